# Tries to reach what is outside the sandbox, and prints what it gets each time.
def attempt(title)
  result = begin
    yield.inspect
  rescue Exception => e
    "#{e.class}: #{e.message.lines.first&.chomp}"
  end
  puts "#{title}: #{result}"[0, 96]
end

attempt("a file of the host") { File.read("/etc/passwd") }
attempt("out of the directory") { File.read("/data/../../etc/passwd") }
attempt("a link to the host") { File.symlink("/etc/passwd", "/data/link") }
attempt("its own script") { File.open("/script/main.rb", "a") }
attempt("other directories") { Dir.children("/proc") }
attempt("environment") { ENV.to_h }
attempt("network") { require "socket" }
attempt("program") { exec "id" }
attempt("fork") { fork }
attempt("signal") { Process.kill(9, 1) }
attempt("native code") { require "fiddle" }
attempt("thread") { Thread.new { 1 }.value }
attempt("fill the directory") { File.binwrite("/data/large", "x" * (2 << 20)) }
attempt("many files") { Array.new(1000) { |i| File.open("/data/#{i}", "w") } }
attempt("what an earlier script left") { $secret }
