// SPDX-License-Identifier: MIT
// A C program that uses its library: arguments, environment, streams, files and directories.
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void copy(FILE *from, const char *label)
{
    char line[80];
    while (fgets(line, sizeof line, from))
        printf("%s: %s", label, line);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list(const char *path)
{
    char *names[16];
    size_t count = 0;
    DIR *directory = opendir(path);
    for (struct dirent *entry; count < 16 && (entry = readdir(directory));)
        names[count++] = strdup(entry->d_name);
    closedir(directory);
    qsort(names, count, sizeof *names, by_name);
    for (size_t i = 0; i < count; ++i)
        printf("entry: %s\n", names[i]);
}

int main(int argc, char **argv)
{
    for (int i = 0; i < argc; ++i)
        printf("argument: %s\n", argv[i]);
    printf("variable: %s\n", getenv("NAME"));
    copy(stdin, "input");
    FILE *file = fopen("/data/in.txt", "r");
    copy(file, "file");
    fclose(file);
    file = fopen("/data/out.txt", "w");
    fprintf(file, "%d %s\n", 42, "written");
    fclose(file);
    mkdir("/data/new", 0777);
    rename("/data/out.txt", "/data/new/moved.txt");
    list("/data");
    printf("outside: %s\n", fopen("/data/../secret", "r") ? "open" : strerror(errno));
    fprintf(stderr, "to stderr\n");
    return 3;
}
