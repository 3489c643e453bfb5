import java.util.Collection;
import java.util.Iterator;
import java.util.Map;
import java.util.TreeMap;
import java.util.Map.Entry;
import java.util.function.Predicate;

abstract class Tally<T extends Comparable<T>> implements Iterable<T> {
   private final Map<T, Integer> counts = new TreeMap();
   protected static long total;
   static final String[] WORDS = new String[]{"grün", "青 \ud83d\ude00", "tab\t\"quoted\"\\", "\u0000"};

   abstract boolean keeps(T var1) throws IllegalStateException;

   int add(Collection<? extends T> var1, Predicate<? super T> var2) {
      int var3 = 0;

      for (Comparable var5 : var1) {
         if (var5 != null && var2.test(var5)) {
            if (!this.keeps((T)var5)) {
               break;
            }

            Integer var6 = (Integer)this.counts.get(var5);
            this.counts.put(var5, var6 == null ? 1 : var6 + 1);
            var3++;
         }
      }

      total += var3;
      return var3;
   }

   public Iterator<T> iterator() {
      return this.counts.keySet().iterator();
   }

   static String name(int var0, double var1) {
      switch (var0 % 4) {
         case 0:
            return WORDS[var0 / 4 % WORDS.length];
         case 1:
         case 2:
            var0 ^= 90;
         default:
            return var1 > 1000.0 ? "large" : Long.toString((long)var0 << 33 | var0 >>> 2);
      }
   }

   synchronized String shown(Object var1) {
      StringBuilder var2 = new StringBuilder();

      try {
         for (Entry var4 : this.counts.entrySet()) {
            var2.append(var4.getKey()).append('=').append(var4.getValue()).append('\n');
         }
      } catch (ClassCastException | IllegalStateException var8) {
         return "wrong: " + var8.getMessage();
      } finally {
         total--;
      }

      int[][] var10 = new int[3][4];

      do {
         var10[1][2] = var10[1][2] + var2.length();
      } while (var10[1][2] < 10 && var1 != null);

      return var2.insert(0, (char)(97 + var10[1][2] % 26)).toString();
   }
}
