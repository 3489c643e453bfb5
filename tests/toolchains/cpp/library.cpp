// SPDX-License-Identifier: MIT

// A library that uses the standard library of C++, without exceptions.

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#define EXPORT(name) extern "C" __attribute__((export_name(#name)))

// Made before the first call.
static std::map<std::string, int> known = {{"one", 1}, {"two", 2}};

EXPORT(number) int number(const char *name)
{
    auto found = known.find(name);
    return found == known.end() ? -1 : found->second;
}

EXPORT(learn) void learn(const char *name, int value)
{
    known[name] = value;
}

// Returns all names and numbers, the largest number first; the caller frees the text.
EXPORT(all) char *all(void)
{
    std::vector<std::pair<int, std::string>> pairs;
    for (const auto &[name, value] : known) {
        pairs.emplace_back(value, name);
    }
    std::sort(pairs.begin(), pairs.end(), std::greater<>());
    std::string text;
    for (const auto &[value, name] : pairs) {
        text += name + '=' + std::to_string(value) + ';';
    }
    return strdup(text.c_str());
}

struct Shape {
    virtual ~Shape() = default;
    virtual double area() const = 0;
};

struct Square : Shape {
    double side;
    explicit Square(double length) : side(length) {}
    double area() const override { return side * side; }
};

struct Rectangle : Square {
    double other;
    Rectangle(double one, double two) : Square(one), other(two) {}
    double area() const override { return side * other; }
};

EXPORT(areas) double areas(double one, double two)
{
    std::vector<std::unique_ptr<Shape>> shapes;
    shapes.push_back(std::make_unique<Square>(one));
    shapes.push_back(std::make_unique<Rectangle>(one, two));
    double sum = 0;
    for (const auto &shape : shapes) {
        sum += shape->area();
    }
    return sum;
}
