// SPDX-License-Identifier: MIT
// Descriptor 3 listens for one client, which sends "hello" and hangs up after the answer.
#include "guest.h"

static char buffer[16];

MAIN
{
    u32 fd, got;
    uint16_t flags;
    fdstat stat;
    iovec into = {buffer, sizeof buffer};
    EXPECT(BADF, fd_prestat_get(3, buffer));
    EXPECT(OK, fd_fdstat_get(3, &stat));
    EXPECT(6, stat.type);
    EXPECT(NOTSOCK, sock_accept(1, 0, &fd));
    EXPECT(NOTSOCK, sock_recv(0, &into, 1, 0, &got, &flags));
    EXPECT(NOTSOCK, sock_send(1, &into, 1, 0, &got));
    EXPECT(NOTSOCK, sock_shutdown(1, 1));
    EXPECT(BADF, sock_accept(99, 0, &fd));
    EXPECT(BADF, sock_shutdown(99, 1));
    EXPECT(INVAL, sock_accept(3, 64, &fd));
    EXPECT(FAULT, sock_accept(3, 0, (void *)0xfffffff0));
    EXPECT(OK, sock_accept(3, NONBLOCK, &fd));
    EXPECT(INVAL, sock_accept(fd, 0, &got));
    subscription readable = {.type = 1, .fd = fd};
    event happened;
    EXPECT(OK, poll_oneoff(&readable, &happened, 1, &got));
    EXPECT(1, got);
    EXPECT(OK, sock_recv(fd, &into, 1, 1, &got, &flags));
    EXPECT(5, got);
    EXPECT(INVAL, sock_recv(fd, &into, 1, 4, &got, &flags));
    EXPECT(FAULT, sock_recv(fd, &into, 1, 0, &got, (void *)0xffffffff));
    EXPECT(FAULT, sock_recv(fd, &into, 1, 0, (void *)0xffffffff, &flags));
    EXPECT(OK, sock_recv(fd, &into, 1, 0, &got, &flags));
    EXPECT(5, got);
    EXPECT(0, flags);
    EXPECT(true, same(buffer, "hello"));
    EXPECT(AGAIN, sock_recv(fd, &into, 1, 0, &got, &flags));
    EXPECT(INVAL, sock_send(fd, &(iovec){"an", 2}, 1, 1, &got));
    EXPECT(FAULT, sock_send(fd, &(iovec){"an", 2}, 1, 0, (void *)0xfffffffe));
    EXPECT(OK, sock_send(fd, &(iovec){"an", 2}, 1, 0, &got));
    EXPECT(2, got);
    EXPECT(OK, write_text(fd, "swer"));
    EXPECT(INVAL, sock_shutdown(fd, 0));
    EXPECT(INVAL, sock_shutdown(fd, 4));
    EXPECT(OK, sock_shutdown(fd, 2));
    EXPECT(OK, fd_close(fd));
}
