// SPDX-License-Identifier: MIT

// Functions that throw and catch, each of which returns a number that the C++ standard fixes.
// Functions that must stay frames of their own are not inlined.

#include <exception>
#include <new>
#include <stdexcept>
#include <vector>

#define EXPORT(name) extern "C" __attribute__((export_name(name), noinline))
#define NOINLINE __attribute__((noinline))

// The host calls the guest again, raises, or returns the argument.
extern "C" __attribute__((import_module("env"), import_name("host"))) int host(int argument);

namespace {

// The digits that the destructors and handlers leave, in their order; many of them wrap around.
unsigned long long trace;

NOINLINE void leave(int digit) { trace = trace * 10 + static_cast<unsigned>(digit); }

// Leaves a digit when it is destroyed.
struct Guard {
    explicit Guard(int its_digit) : digit(its_digit) {}
    ~Guard() { leave(digit); }
    Guard(const Guard &) = delete;
    Guard &operator=(const Guard &) = delete;
    int digit;
};

NOINLINE void descend(int depth)
{
    Guard guard(depth);
    if (depth == 0) {
        throw 42;
    }
    descend(depth - 1);
}

struct Base {
    virtual ~Base() { leave(9); }
    virtual int value() const { return 1; }
};

struct Other {
    virtual ~Other() = default;
    int other = 70;
};

struct Derived : Other, Base {
    int value() const override { return other + 2; }
};

struct Private : private Base {
    int padding = 0;
};

NOINLINE void throw_one(int which)
{
    static Derived kept;
    switch (which) {
    case 0:
        throw Base();
    case 1:
        throw Derived();
    case 2:
        throw 5;
    case 3:
        throw 5.5;
    case 4:
        throw "text";
    case 5:
        throw &kept;
    case 6:
        throw nullptr;
    case 7:
        throw Private();
    default:
        return;
    }
}

NOINLINE int caught(int which)
{
    try {
        throw_one(which);
    } catch (const Base &error) {
        return 100 + error.value();
    } catch (int number) {
        return 200 + number;
    } catch (const char *text) {
        return text == nullptr ? 301 : 300 + text[0];
    } catch (const Base *error) {
        return error == nullptr ? 401 : 400 + error->value();
    } catch (...) {
        return 500;
    }
    return 0;
}

struct Counted {
    int passed = 0;
};

NOINLINE void pass_on(int depth)
{
    if (depth == 0) {
        throw Counted();
    }
    try {
        pass_on(depth - 1);
    } catch (Counted &error) {
        error.passed++;
        throw;
    }
}

// Members are destroyed if a later one, or the body of the constructor, throws.
struct Half {
    Half(int bad) try : first(1), second(bad) {
        Guard local(3);
        if (bad == 2) {
            throw 1;
        }
    } catch (int) {
        leave(4); // leaving a handler of a constructor throws again
    }
    struct Picky {
        explicit Picky(int bad)
        {
            if (bad == 1) {
                throw 1;
            }
        }
        ~Picky() { leave(2); }
    };
    Guard first;
    Picky second;
};

// Says how many exceptions are on their way while it is destroyed.
struct Watcher {
    ~Watcher()
    {
        leave(std::uncaught_exceptions());
        try {
            throw 1;
        } catch (int) {
            leave(std::uncaught_exceptions() + 5);
        }
    }
};

NOINLINE void never_throws() noexcept { throw 42; }

} // namespace

EXPORT("unwind") unsigned long long unwind(int depth)
{
    trace = 0;
    try {
        try {
            descend(depth);
        } catch (double) {
            return 0;
        }
    } catch (int number) {
        return trace * 100 + static_cast<unsigned>(number);
    }
    return 0;
}

// Throws the number 42 through depth + 1 frames that have a destructor to run, and does not catch it.
EXPORT("uncaught") int uncaught(int depth)
{
    descend(depth);
    return 0;
}

EXPORT("last_trace") unsigned long long last_trace()
{
    return trace;
}

EXPORT("by_type") int by_type(int which)
{
    return caught(which);
}

// A handler throws, which ends the exception that it has caught.
EXPORT("nested") unsigned long long nested()
{
    trace = 0;
    try {
        Guard outer(1);
        try {
            Guard inner(2);
            throw Base();
        } catch (const Base &) {
            Guard handler(3);
            try {
                throw 7;
            } catch (int number) {
                leave(number);
            }
            throw 8;
        }
    } catch (int number) {
        leave(number);
    }
    return trace;
}

EXPORT("passed_on") int passed_on(int depth)
{
    try {
        pass_on(depth);
    } catch (const Counted &error) {
        return error.passed;
    }
    return -1;
}

// Throws one exception object several times, after the handler that caught it first has ended.
EXPORT("kept_and_thrown_again") int kept_and_thrown_again(int times)
{
    std::exception_ptr kept;
    try {
        throw Counted();
    } catch (...) {
        kept = std::current_exception();
    }
    int passed = 0;
    for (int i = 0; i < times; i++) {
        try {
            std::rethrow_exception(kept);
        } catch (Counted &error) {
            passed = ++error.passed;
        }
    }
    return passed;
}

EXPORT("half_made") unsigned long long half_made(int bad)
{
    trace = 0;
    try {
        Half half(bad);
    } catch (int) {
        leave(5);
    }
    return trace;
}

EXPORT("on_their_way") unsigned long long on_their_way()
{
    trace = 0;
    try {
        Watcher watcher;
        throw 1;
    } catch (int) {
        leave(std::uncaught_exceptions());
    }
    return trace;
}

// The library throws, and says what went wrong: returns the sum of the characters of the text.
EXPORT("of_the_library") int of_the_library(unsigned index)
{
    const std::vector<int> numbers(3, 4);
    try {
        return numbers.at(index);
    } catch (const std::logic_error &error) {
        int sum = 0;
        for (const char *text = error.what(); *text != 0; text++) {
            sum += *text;
        }
        return sum;
    }
}

EXPORT("out_of_memory") int out_of_memory(unsigned long size)
{
    try {
        ::operator delete(::operator new(size)); // which no compiler leaves out, unlike new char[size]
    } catch (const std::bad_alloc &) {
        return 1;
    }
    return 0;
}

EXPORT("in_a_loop") int in_a_loop(int times)
{
    int sum = 0;
    for (int i = 0; i < times; i++) {
        try {
            if (i % 3 == 0) {
                throw i;
            }
            if (i % 3 == 1) {
                continue;
            }
            sum += 1;
        } catch (int number) {
            sum += number;
            if (number > 50) {
                break;
            }
        }
    }
    return sum;
}

EXPORT("terminate") void terminate()
{
    never_throws();
}

EXPORT("throws_in_destructor") void throws_in_destructor()
{
    struct Bad {
        ~Bad() noexcept(false) { throw 2; }
    };
    try {
        Bad bad;
        throw 1;
    } catch (int) {
    }
}

// Has a destructor to run after a call of the host, and no handler.
EXPORT("with_a_guard") int with_a_guard(int argument)
{
    Guard guard(argument);
    return host(argument - 1);
}

// Handlers for the type int around a call of the host.
EXPORT("around_the_host") unsigned long long around_the_host(int argument)
{
    trace = 0;
    try {
        Guard guard(1);
        leave(host(argument));
    } catch (int number) {
        leave(2);
        return trace * 100 + static_cast<unsigned>(number);
    }
    return trace;
}

// A handler for everything around a call of the host.
EXPORT("catch_everything") unsigned long long catch_everything(int argument)
{
    trace = 0;
    try {
        Guard guard(1);
        leave(host(argument));
    } catch (...) {
        leave(2);
    }
    return trace;
}

EXPORT("no_exception_passes") void no_exception_passes(int argument) noexcept
{
    host(argument);
}
