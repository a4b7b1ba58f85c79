/* SPDX-License-Identifier: MIT */
/*
 * each JOBS SECONDS COMMAND...: runs COMMAND once for each line of standard input, with the words of that line as its
 * last arguments, JOBS at a time, and prints a line for each: the exit status, the line, and what it wrote to standard
 * output and standard error, its line ends as '|'.
 *
 *     printf 'null\nstack\n' | each 2 10 build/ukvm run build/tests/guests/fault.elf
 *
 * A shell would take longer to start a guest than the guest takes.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_SIZE 256
#define OUTPUT_MAX 3500 /* with the rest less than PIPE_BUF: lines of two workers do not mix */
#define WORDS_MAX 64

struct job {
    char **command; /* ends in NULL, as argv does */
    int seconds;
};

static _Noreturn void run_command(const struct job *job, char *line, int output) {
    char *words[WORDS_MAX];
    int count = 0;
    for (char **word = job->command; *word && count < WORDS_MAX / 2; word++)
        words[count++] = *word;
    for (char *word = strtok(line, " \n"); word && count < WORDS_MAX - 1; word = strtok(NULL, " \n"))
        words[count++] = word;
    words[count] = NULL;
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    execv(words[0], words);
    perror(words[0]);
    _exit(127);
}

static time_t seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

/* The first OUTPUT_MAX bytes of what comes, until all of it has come or the time is over; the process ends then. */
static size_t read_output(const struct job *job, pid_t child, int from, char *output) {
    time_t end = seconds_now() + job->seconds;
    size_t used = 0;
    char more[4096];
    while (1) {
        struct pollfd ready = {.fd = from, .events = POLLIN};
        if (seconds_now() >= end)
            kill(child, SIGKILL);
        if (poll(&ready, 1, 500) <= 0)
            continue;
        ssize_t n = read(from, more, sizeof more);
        if (n <= 0)
            return used;
        for (ssize_t i = 0; i < n && used < OUTPUT_MAX; i++)
            output[used++] = more[i] == '\n' || more[i] == '\0' ? '|' : more[i];
    }
}

static void run_one(const struct job *job, const char *line) {
    char copy[LINE_MAX_SIZE], output[OUTPUT_MAX], text[OUTPUT_MAX + LINE_MAX_SIZE + 32];
    int ends[2], status;
    strcpy(copy, line);
    if (pipe(ends) < 0) {
        perror("each: pipe");
        exit(1);
    }
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        run_command(job, copy, ends[1]);
    }
    close(ends[1]);
    size_t length = read_output(job, child, ends[0], output);
    close(ends[0]);
    waitpid(child, &status, 0);
    int n =
        snprintf(text, sizeof text, "%d %.*s: %.*s\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
                 (int)strcspn(line, "\n"), line, (int)length, output);
    if (write(STDOUT_FILENO, text, (size_t)n) != n)
        exit(1);
}

int main(int argc, char **argv) {
    static char lines[8192][LINE_MAX_SIZE];
    int count = 0, failed = 0, status;
    if (argc < 4) {
        fprintf(stderr, "usage: each JOBS SECONDS COMMAND...\n");
        return 2;
    }
    int jobs = atoi(argv[1]);
    struct job job = {.command = argv + 3, .seconds = atoi(argv[2])};
    while (count < 8192 && fgets(lines[count], LINE_MAX_SIZE, stdin))
        count++;
    for (int worker = 0; worker < jobs; worker++) {
        if (fork() != 0)
            continue;
        for (int i = worker; i < count; i += jobs)
            run_one(&job, lines[i]);
        return 0;
    }
    while (wait(&status) > 0)
        failed |= status;
    return failed != 0;
}
