// SPDX-License-Identifier: MIT

// A library that binds something of each kind that embind has.

#include <emscripten/bind.h>
#include <emscripten/val.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

using namespace emscripten;

// ---- simple types ----

template <typename T> static T same(T value)
{
    return value;
}

static void nothing() {}

static std::string joined(std::string first, const std::string &second)
{
    return first + "-" + second;
}

static std::basic_string<unsigned char> reversed(const std::basic_string<unsigned char> &bytes)
{
    return {bytes.rbegin(), bytes.rend()};
}

static int add2(int a, int b)
{
    return a + b;
}

static int add3(int a, int b, int c)
{
    return a + b + c;
}

static int throws(int value)
{
    if (value < 0) {
        throw std::runtime_error("a negative value");
    }
    return value;
}

// ---- enumerations ----

enum class Color : unsigned char { RED = 1, GREEN = 2, BLUE = 200 };

enum Old { FIRST = -1, SECOND };

static Color after(Color color)
{
    return color == Color::RED ? Color::GREEN : Color::BLUE;
}

static Old other(Old old)
{
    return old == FIRST ? SECOND : FIRST;
}

// ---- structures ----

struct Point {
    float x = 0;
    double y = 0;
};

struct Segment {
    Point from, to;
    std::string name;
};

static Segment turned(const Segment &segment)
{
    return {segment.to, segment.from, segment.name + "!"};
}

static int getter(const Point &point)
{
    return static_cast<int>(point.x);
}

struct Pair {
    int first = 0;
    std::string second;
};

static Pair next(Pair pair)
{
    return {pair.first + 1, pair.second + "+"};
}

// ---- classes ----

static int living;

class Counter {
  public:
    Counter() : Counter(0) {}
    explicit Counter(int start) : value_(start) { living++; }
    Counter(int start, int step) : value_(start), step_(step) { living++; }
    Counter(const Counter &other) : value_(other.value_), step_(other.step_) { living++; }
    virtual ~Counter() { living--; }

    int next() { return value_ += step_; }
    int next(int step) { return value_ += step; }
    int value() const { return value_; }
    void set_value(int value) { value_ = value; }
    virtual std::string kind() const { return "counter"; }
    const Counter *constant() const { return this; }
    Counter *self() { return this; }
    Counter copy() const { return *this; }

    static Counter *twice(const Counter &other) { return new Counter(2 * other.value_); }

    int step_ = 1;
    static int shared;
    static const int fixed;

  private:
    int value_;
};

int Counter::shared = 5;
const int Counter::fixed = 6;

class Other {
  public:
    virtual ~Other() = default;
    int other = 3;
};

// The object of the base class Counter is not where the whole object is.
class Named : public Other, public Counter {
  public:
    explicit Named(std::string name) : name_(std::move(name)) {}
    std::string kind() const override { return "named"; }
    std::string name_;
};

static Counter *made(bool named)
{
    return named ? new Named("made") : new Counter(7);
}

static std::string kind_of(const Counter &counter)
{
    return counter.kind();
}

static int add_to(Counter *counter, int amount)
{
    return counter == nullptr ? -1 : counter->next(amount);
}

static int doubled(Counter &counter)
{
    return 2 * counter.value();
}

// ---- smart pointers ----

class Node {
  public:
    explicit Node(int value) : value(value) { living++; }
    ~Node() { living--; }
    int value;
};

static std::shared_ptr<Node> new_node(int value)
{
    return std::make_shared<Node>(value);
}

static std::shared_ptr<Node> kept;

static long keep(std::shared_ptr<Node> node)
{
    kept = node;
    return kept.use_count();
}

static std::shared_ptr<Node> give_back()
{
    return std::move(kept);
}

static std::unique_ptr<Node> unique_node(int value)
{
    return std::make_unique<Node>(value);
}

// ---- classes that the host derives ----

class Shape {
  public:
    virtual ~Shape() = default;
    virtual double area(double scale) = 0;
    virtual std::string name() { return "shape"; }
};

struct ShapeWrapper : public wrapper<Shape> {
    EMSCRIPTEN_WRAPPER(ShapeWrapper);
    double area(double scale) override { return call<double>("area", scale); }
    std::string name() override { return call<std::string>("name"); }
};

static std::string described(Shape &shape)
{
    return shape.name() + " " + std::to_string(static_cast<int>(shape.area(2)));
}

static std::unique_ptr<Shape> owned;

static void own(Shape *shape)
{
    owned.reset(shape);
}

static Shape *owned_shape()
{
    return owned.get();
}

// ---- vals ----

static val call_with(val function, int number)
{
    return function(number, std::string("text"), 2.5);
}

static int sum_of(val list)
{
    int sum = 0;
    const auto count = list["length"].as<unsigned>();
    for (unsigned i = 0; i < count; i++) {
        sum += list[i].as<int>();
    }
    return sum;
}

static val new_object(const std::string &text)
{
    val object = val::object();
    object.set("text", text);
    object.set("flag", true);
    object.set("nothing", val::undefined());
    val list = val::array();
    for (int i = 0; i < 3; i++) {
        list.call<int>("push", i * 1.5);
    }
    object.set("list", list);
    return object;
}

static std::string kinds(val value)
{
    std::string found = value.typeOf().as<std::string>();
    found += value.isNull() || value.isUndefined() ? " nothing" : "";
    found += value.isTrue() ? " true" : value.isFalse() ? " false" : "";
    found += value.isNumber() ? " number" : value.isString() ? " string" : "";
    found += value.isArray() ? " array" : "";
    return found;
}

static bool call_methods(val object)
{
    object.call<void>("start", val(std::string("a")), 1);
    const bool has = object.hasOwnProperty("start") && !object.hasOwnProperty("other");
    return has;
}

static Point point_of(val object)
{
    return object.call<Point>("point", Point{1, 2});
}

static int64_t large_of(val value)
{
    return value.as<int64_t>() + 1;
}

static std::string compared(val first, val second)
{
    std::string found;
    found += first.equals(second) ? "=" : "";
    found += first.strictlyEquals(second) ? "==" : "";
    found += first < second ? "<" : "";
    found += first > second ? ">" : "";
    return found + (!first ? "!" : "");
}

static val make(val kind)
{
    return kind.new_(1, 2);
}

static val bound_of_module(const std::string &name)
{
    return val::module_property(name.c_str());
}

static void throw_val(val value)
{
    value.throw_();
}

static int take_counter(val value)
{
    return value.as<Counter &>().value();
}

static uint16_t numbers[4] = {1, 2, 3, 40000};

static val view()
{
    return val(typed_memory_view(4, numbers));
}

static std::vector<int> to_vector(val list)
{
    return vecFromJSArray<int>(list);
}

struct Unbound {
    int x;
};

static Unbound unbound(int x)
{
    return {x};
}

EMSCRIPTEN_BINDINGS(bound)
{
    function("nothing", &nothing);
    function("same_bool", &same<bool>);
    function("same_char", &same<char>);
    function("same_signed_char", &same<signed char>);
    function("same_unsigned_char", &same<unsigned char>);
    function("same_short", &same<short>);
    function("same_unsigned_short", &same<unsigned short>);
    function("same_int", &same<int>);
    function("same_unsigned", &same<unsigned>);
    function("same_long", &same<long>);
    function("same_int64", &same<int64_t>);
    function("same_uint64", &same<uint64_t>);
    function("same_float", &same<float>);
    function("same_double", &same<double>);
    function("same_string", &same<std::string>);
    function("same_wstring", &same<std::wstring>);
    function("same_u16string", &same<std::u16string>);
    function("same_val", &same<val>);
    function("joined", &joined);
    function("reversed", &reversed);
    function("add", &add2);
    function("add", &add3);
    function("throws", &throws);
    function("unbound", &unbound);

    constant("ANSWER", 42);
    constant("HALF", 0.5);
    constant("TITLE", std::string("title"));

    enum_<Color>("Color")
        .value("RED", Color::RED)
        .value("GREEN", Color::GREEN)
        .value("BLUE", Color::BLUE);
    enum_<Old>("Old").value("FIRST", FIRST).value("SECOND", SECOND);
    function("after", &after);
    function("other", &other);

    value_object<Segment>("Segment")
        .field("from", &Segment::from)
        .field("to", &Segment::to)
        .field("name", &Segment::name);
    value_object<Point>("Point").field("x", &Point::x).field("y", &Point::y);
    value_array<Pair>("Pair").element(&Pair::first).element(&Pair::second);
    function("turned", &turned);
    function("next", &next);
    function("getter", &getter);

    class_<Counter>("Counter")
        .constructor<>()
        .constructor<int>()
        .constructor<int, int>()
        .function("next", select_overload<int()>(&Counter::next))
        .function("next", select_overload<int(int)>(&Counter::next))
        .function("kind", &Counter::kind)
        .function("constant", &Counter::constant, allow_raw_pointers())
        .function("self", &Counter::self, allow_raw_pointers())
        .function("copy", &Counter::copy)
        .function("added", optional_override([](Counter &self, int x) { return self.value() + x; }))
        .property("value", &Counter::value, &Counter::set_value)
        .property("seen", &Counter::value)
        .property("step", &Counter::step_)
        .class_function("twice", &Counter::twice, allow_raw_pointers())
        .class_property("shared", &Counter::shared)
        .class_property("fixed", &Counter::fixed);
    class_<Named, base<Counter>>("Named")
        .constructor<std::string>()
        .function("next", optional_override([](Named &self, int a, int b) {
                      return self.next(a) + b;
                  }))
        .property("name", &Named::name_);
    function("made", &made, allow_raw_pointers());
    function("kind_of", &kind_of);
    function("add_to", &add_to, allow_raw_pointers());
    function("doubled", &doubled);
    function("living", optional_override([]() { return living; }));

    class_<Node>("Node")
        .smart_ptr_constructor("NodePointer", &std::make_shared<Node, int>)
        .property("value", &Node::value);
    function("new_node", &new_node);
    function("keep", &keep);
    function("give_back", &give_back);
    function("unique_node", &unique_node);

    class_<Shape>("Shape")
        .function("area", &Shape::area, pure_virtual())
        .function("name", optional_override([](Shape &self) { return self.Shape::name(); }))
        .allow_subclass<ShapeWrapper>("ShapeWrapper");
    function("described", &described);
    function("own", &own, allow_raw_pointers());
    function("owned_shape", &owned_shape, allow_raw_pointers());

    register_vector<int>("Numbers");
    register_vector<std::string>("Texts");
    register_map<std::string, int>("Sizes");
    function("to_vector", &to_vector);

    function("call_with", &call_with);
    function("sum_of", &sum_of);
    function("new_object", &new_object);
    function("kinds", &kinds);
    function("call_methods", &call_methods);
    function("point_of", &point_of);
    function("large_of", &large_of);
    function("compared", &compared);
    function("make", &make);
    function("bound_of_module", &bound_of_module);
    function("throw_val", &throw_val);
    function("take_counter", &take_counter);
    function("view", &view);
}
