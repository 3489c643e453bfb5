// Shapes that know their area.   This file is untidy on purpose: a formatter tidies it.
import 'dart:math' as math;
import "dart:collection" show SplayTreeMap , LinkedHashMap;

sealed class Shape{const Shape();double get area;}
class Circle extends Shape{final double radius;const Circle(this.radius);
@override double get area=>math.pi*radius*radius;}
class Box extends Shape{ final double width,height; const Box({required this.width,required this.height});
  const Box.square(double side):width=side,height=side;
  @override
  double get area=>width*height; }

enum Colour{ red('rot'),green('grün'),blue('青 😀');final String word; const Colour(this.word); }

typedef Measure<T extends Shape> = double Function(T shape,{bool rounded});

extension Sums on Iterable<Shape>{double get total=>fold(0,(sum,shape)=>sum+shape.area);}

String describe(Shape shape,{int digits=2})=>switch(shape){Circle(radius:final r) when r>100=>'a large circle',Circle(:final radius)=>'a circle of ${radius.toStringAsFixed(digits)}',
 Box(width:var w,height:var h)=>'a box of $w × $h'};

Future<Map<String,List<double>>>collect(Stream<Shape> shapes,{void Function(Object error,StackTrace trace)?onError,Duration timeout=const Duration(seconds:10,milliseconds:500)})async{
var found=SplayTreeMap<String,List<double>>();
try{await for(final shape in shapes.timeout(timeout)){found.putIfAbsent(shape.runtimeType.toString(),()=>[]).add(shape.area);}}on FormatException catch(e,trace){onError?.call(e,trace);rethrow;}finally{print('done: ${found.length}');}
return found;}

void main(List<String> arguments)async{
  var shapes=<Shape>[const Circle(1.5),Box.square(2),for(var i=0;i<3;i++)if(i.isOdd)Circle(i*1e3)else Box(width:i/2,height:.5),...?null];
  for(var i=0;i<shapes.length;i++){if(shapes[i].area<1)continue;else{print("${i.toRadixString(16)}: ${describe(shapes[i],digits:3)} in ${Colour.values[i%Colour.values.length].word}");}}
  shapes..sort((a,b)=>a.area.compareTo(b.area))..removeWhere((shape)=>shape.area.isNaN||shape.area.isInfinite)..insert(0,Circle(0));
  final (smallest,largest)=(shapes.first,shapes.last); assert(smallest.area<=largest.area,'the list is sorted, so that the first shape is the smallest one');
  print(shapes.map((shape)=>shape.area).where((area)=>area>0).map((area)=>area.toStringAsPrecision(4)).toList().reversed.join(', '));
  label:do{switch(arguments.length){case 0:break label;case 1||2:print('few');default:print('''many
    arguments''');}}while(false);
}
