/*
 * Decompiled with CFR 0.152.
 * 
 * Could not load the following classes:
 *  java.lang.ClassCastException
 *  java.lang.Comparable
 *  java.lang.IllegalStateException
 *  java.lang.Integer
 *  java.lang.Iterable
 *  java.lang.Long
 *  java.lang.Object
 *  java.lang.String
 *  java.lang.StringBuilder
 *  java.util.Collection
 *  java.util.Iterator
 *  java.util.Map
 *  java.util.Map$Entry
 *  java.util.TreeMap
 *  java.util.function.Predicate
 */
import java.util.Collection;
import java.util.Iterator;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;

abstract class Tally<T extends Comparable<T>>
implements Iterable<T> {
    private final Map<T, Integer> counts = new TreeMap();
    protected static long total;
    static final String[] WORDS;

    Tally() {
    }

    abstract boolean keeps(T var1) throws IllegalStateException;

    int add(Collection<? extends T> collection, Predicate<? super T> predicate) {
        int n = 0;
        for (Comparable comparable : collection) {
            if (comparable == null || !predicate.test((Object)comparable)) continue;
            if (!this.keeps(comparable)) break;
            Integer n2 = (Integer)this.counts.get((Object)comparable);
            this.counts.put((Object)comparable, (Object)(n2 == null ? 1 : n2 + 1));
            ++n;
        }
        total += (long)n;
        return n;
    }

    public Iterator<T> iterator() {
        return this.counts.keySet().iterator();
    }

    static String name(int n, double d) {
        switch (n % 4) {
            case 0: {
                return WORDS[n / 4 % WORDS.length];
            }
            case 1: 
            case 2: {
                n ^= 0x5A;
            }
        }
        return d > 1000.0 ? "large" : Long.toString((long)((long)n << 33 | (long)(n >>> 2)));
    }

    /*
     * WARNING - Removed try catching itself - possible behaviour change.
     */
    synchronized String shown(Object object) {
        StringBuilder stringBuilder = new StringBuilder();
        try {
            for (Map.Entry entry : this.counts.entrySet()) {
                stringBuilder.append(entry.getKey()).append('=').append(entry.getValue()).append('\n');
            }
        }
        catch (ClassCastException | IllegalStateException throwable) {
            String string = "wrong: " + throwable.getMessage();
            return string;
        }
        finally {
            --total;
        }
        Object object2 = new int[3][4];
        do {
            Iterator iterator = object2[1];
            iterator[2] = iterator[2] + stringBuilder.length();
        } while (object2[1][2] < 10 && object != null);
        return stringBuilder.insert(0, (char)(97 + object2[1][2] % 26)).toString();
    }

    static {
        WORDS = new String[]{"gr\u00fcn", "\u9752 \ud83d\ude00", "tab\t\"quoted\"\\", "\u0000"};
    }
}
