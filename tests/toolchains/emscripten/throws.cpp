// SPDX-License-Identifier: MIT

// A library that throws and catches exceptions by calls of its host.

#include <emscripten.h>

#include <stdexcept>
#include <string>

#define EXPORT extern "C" EMSCRIPTEN_KEEPALIVE

struct Base {
    int x = 1;
    virtual ~Base() = default;
};

struct Other {
    int y = 2;
    virtual ~Other() = default;
};

struct Derived : Base, Other {
    int z = 3;
};

static int destroyed;

struct Guard {
    ~Guard() { destroyed++; }
};

static void thrower(int which)
{
    Guard guard;
    switch (which) {
    case 0:
        throw std::runtime_error("a runtime error");
    case 1:
        throw 7;
    case 2:
        throw Derived();
    case 3:
        throw std::string("text");
    case 4:
        throw std::out_of_range("far away");
    }
}

EXPORT int caught(int which)
{
    try {
        thrower(which);
    } catch (const std::runtime_error &error) {
        return std::string(error.what()).size();
    } catch (int number) {
        return 100 + number;
    } catch (const Other &other) {
        return 200 + other.y;
    } catch (...) {
        return 300;
    }
    return 0;
}

EXPORT int rethrown(int which)
{
    try {
        try {
            thrower(which);
        } catch (...) {
            Guard guard;
            throw;
        }
    } catch (const std::exception &error) {
        return std::string(error.what()).size();
    } catch (...) {
        return -1;
    }
    return 0;
}

EXPORT int later()
{
    std::exception_ptr kept;
    try {
        thrower(4);
    } catch (...) {
        kept = std::current_exception();
    }
    try {
        std::rethrow_exception(kept);
    } catch (const std::out_of_range &error) {
        return std::string(error.what()).size();
    }
}

EXPORT int guards()
{
    return destroyed;
}

EXPORT void uncaught(int which)
{
    thrower(which);
}
