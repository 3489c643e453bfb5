# Reads a table and its standard input; writes a file; ends with an exit code.
item = ARGV.fetch(0)
rows = File.readlines("/data/orders.csv", chomp: true).drop(1).map { |line| line.split(",") }
prices = rows.select { |name, _| name == item }.map { |_, price| price.to_f }
File.write("/data/report.txt", "#{item}: #{prices.sum}")
puts "#{prices.size} times #{item} in #{$stdin.gets.chomp}, on #{RUBY_PLATFORM}"
exit 3
