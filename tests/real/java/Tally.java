// What test_decompilers.py decompiles: "javac --release 8 -g:none Tally.java" made Tally.class.
import java.util.*;
import java.util.function.Predicate;

abstract class Tally<T extends Comparable<T>> implements Iterable<T> {
    private final Map<T, Integer> counts = new TreeMap<>();
    protected static long total;
    static final String[] WORDS = {"grün", "青 😀", "tab\t\"quoted\"\\", "\0"};

    abstract boolean keeps(T value) throws IllegalStateException;

    int add(Collection<? extends T> values, Predicate<? super T> wanted) {
        int added = 0;
        for (T value : values) {
            if (value == null || !wanted.test(value)) {
                continue;
            }
            if (!keeps(value)) {
                break;
            }
            Integer before = counts.get(value);
            counts.put(value, before == null ? 1 : before + 1);
            added++;
        }
        total += added;
        return added;
    }

    @Override
    public Iterator<T> iterator() {
        return counts.keySet().iterator();
    }

    static String name(int number, double ratio) {
        switch (number % 4) {
            case 0:
                return WORDS[number / 4 % WORDS.length];
            case 1:
            case 2:
                number ^= 0x5a;
            default:
                return ratio > 1e3 ? "large" : Long.toString((long) number << 33 | number >>> 2);
        }
    }

    synchronized String shown(Object lock) {
        StringBuilder text = new StringBuilder();
        try {
            for (Map.Entry<T, Integer> each : counts.entrySet()) {
                text.append(each.getKey()).append('=').append(each.getValue()).append('\n');
            }
        } catch (ClassCastException | IllegalStateException error) {
            return "wrong: " + error.getMessage();
        } finally {
            total--;
        }
        int[][] table = new int[3][4];
        do {
            table[1][2] += text.length();
        } while (table[1][2] < 10 && lock != null);
        return text.insert(0, (char) ('a' + table[1][2] % 26)).toString();
    }
}
