// SPDX-License-Identifier: MIT

// A program that uses what Emscripten leaves to its host: arguments, files, directories, dates,
// memory, and setjmp. It prints what it finds, line by line.

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static jmp_buf target;

static void jump(int value)
{
    longjmp(target, value);
}

static void files(const char *path)
{
    char line[100] = "";
    FILE *file = fopen(path, "r");
    if (file == NULL || fgets(line, sizeof line, file) == NULL) {
        printf("cannot read %s: %s\n", path, strerror(errno));
        return;
    }
    fclose(file);
    printf("read %s\n", line);

    mkdir("/made", 0777);
    file = fopen("/made/out.txt", "w");
    fprintf(file, "written: %s", line);
    fclose(file);
    rename("/made/out.txt", "/made/renamed.txt");
    struct stat known;
    if (stat("/made/renamed.txt", &known) == 0) {
        printf("size %lld, directory %d\n", (long long)known.st_size, S_ISDIR(known.st_mode));
    }
    chdir("/made");
    printf("cwd %s\n", getcwd(line, sizeof line));
    DIR *directory = opendir(".");
    int count = 0;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        count += entry->d_name[0] != '.';
    }
    rewinddir(directory);
    printf("entries %d, then %s\n", count, readdir(directory)->d_name);
    closedir(directory);
    printf("access %d %d\n", access("renamed.txt", R_OK), access("nothing", F_OK));
    truncate("renamed.txt", 7);
}

static void dates(void)
{
    time_t now = time(NULL);
    char text[100];
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %a %j", localtime(&now));
    printf("now %s\n", text);
    struct tm date = {.tm_year = 100, .tm_mon = 1, .tm_mday = 30};
    printf("mktime %lld, month %d\n", (long long)mktime(&date), date.tm_mon);
}

static void memory(void)
{
    size_t size = 40 << 20;
    char *block = malloc(size);
    if (block != NULL) {
        memset(block, 'x', size);
        printf("block ends with %c\n", block[size - 1]);
    } else {
        printf("no block\n");
    }
    free(block);
}

int main(int count, char **arguments)
{
    printf("arguments %d: %s\n", count, arguments[1]);
    printf("variable %s\n", getenv("VARIABLE"));
    files(arguments[1]);
    dates();
    memory();
    int value = setjmp(target);
    if (value == 0) {
        jump(5);
    }
    printf("jumped %d\n", value);
    fprintf(stderr, "error stream\n");
    exit(count + 40);
}
