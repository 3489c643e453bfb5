// SPDX-License-Identifier: MIT
// Counts the words of its standard input, and writes a line for each: the word and its count, in the
// order in which the words came first. A word is a run of ASCII letters, in small letters here; bytes
// of other alphabets count as letters, too. Exits with 1 if there are more words than it has room for.

#include <stdio.h>
#include <string.h>

#define PLACES 65536u // a power of two; at most three quarters of them are used
#define LONGEST 63    // letters; the rest of a longer word is left out

typedef struct {
    char word[LONGEST + 1];
    unsigned count;
} entry;

static entry entries[PLACES];
static unsigned order[PLACES]; // the places of the words, as they came
static unsigned words;

static int letter(int byte)
{
    if (byte >= 'A' && byte <= 'Z') {
        return byte - 'A' + 'a';
    }
    return (byte >= 'a' && byte <= 'z') || byte >= 128 ? byte : 0;
}

// FNV-1a.
static unsigned hash(const char *word)
{
    unsigned value = 2166136261u;
    for (; *word; word++) {
        value = (value ^ (unsigned char)*word) * 16777619u;
    }
    return value;
}

static int count(const char *word)
{
    unsigned place = hash(word) % PLACES;
    while (entries[place].count && strcmp(entries[place].word, word) != 0) {
        place = (place + 1) % PLACES;
    }
    if (!entries[place].count) {
        if (words == PLACES / 4 * 3) {
            return 0;
        }
        strcpy(entries[place].word, word);
        order[words++] = place;
    }
    entries[place].count++;
    return 1;
}

int main(void)
{
    char word[LONGEST + 1];
    unsigned length = 0;
    for (int byte = 0; byte != EOF;) {
        byte = getchar();
        int small = byte == EOF ? 0 : letter(byte);
        if (small && length < LONGEST) {
            word[length++] = (char)small;
        } else if (!small && length) {
            word[length] = 0;
            length = 0;
            if (!count(word)) {
                fputs("too many different words\n", stderr);
                return 1;
            }
        }
    }
    for (unsigned i = 0; i < words; i++) {
        printf("%s %u\n", entries[order[i]].word, entries[order[i]].count);
    }
    return 0;
}
