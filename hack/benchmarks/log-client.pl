#!/usr/bin/perl
# A client of the log sockets, as fast as one process can be.
#   log-client.pl messages SOCKET FORMAT COUNT    one connection each, numbered
#   log-client.pl descriptor SOCKET COUNT         lines in a pipe that is handed over
#   log-client.pl flood SOCKET SECONDS            as platform "flood"
#   log-client.pl pings SOCKET COUNT              as platform "web", every 20 ms, with the time
use strict;
use Socket;
use Time::HiRes qw(sleep time);
my ($what, $path, @rest) = @ARGV;
my $text = 'some text that is about as long as the lines of a log are, on average';
my $address = pack_sockaddr_un($path);

sub binary { my ($platform, $source, $data) = @_;
  my $body = "3\0$platform\0$source\0$data\n";
  return pack('l l', 0, length $body) . $body; }

my %formats = (
  binary => sub { binary('web', 'binary', "$_[0] $text") },
  json => sub { qq({"version":"0","level":"info","src":"json","message":"$_[0] $text"}) },
  'key-value' => sub { qq(level=INFO src=key-value message="$_[0] $text") },
  rfc3164 => sub { "<13>Nov 28 22:15:00 rfc3164\[1\]: $_[0] $text" },
  rfc5424 => sub { "<13>1 2026-11-28T22:15:00Z - rfc5424 - - - $_[0] $text" },
);

sub connection { socket(my $socket, AF_UNIX, SOCK_STREAM, 0) or die "socket: $!";
  connect($socket, $address) or die "connect: $!";
  return $socket; }

sub say_it { my $socket = connection();
  syswrite($socket, $_[0]); }

if ($what eq 'messages') {
  my ($format, $count) = @rest;
  say_it($formats{$format}->($_)) for 1 .. $count;
  # Who has ended before anybody looked is unknown, and filed as such.
  sleep 0.5;
} elsif ($what eq 'flood') {
  my $end = time + $rest[0];
  my $message = binary('flood', 'flood', $text);
  my $sent = 0;
  while (time < $end) { say_it($message); $sent++ }
  print "$sent\n";
} elsif ($what eq 'pings') {
  for (1 .. $rest[0]) { say_it(binary('web', 'ping', sprintf('%.3f', time * 1000))); sleep 0.02 }
} elsif ($what eq 'descriptor') {
  pipe(my $reader, my $writer) or die;
  my $sendmsg = `uname -m` =~ /aarch64/ ? 211 : 46;
  my $data = pack('a50 a50 l l', 'web', 'descriptor', 3, 1);
  my $iov = pack('P Q', $data, length $data);
  my $control = pack('Q l l l x4', 20, 1, 1, fileno $reader);
  my $header = pack('Q Q P Q P Q Q', 0, 0, $iov, 1, $control, length $control, 0);
  my $socket = connection();
  syscall($sendmsg, fileno $socket, $header, 0) == 108 or die "sendmsg: $!";
  close $reader;
  print $writer "$_ $text\n" for 1 .. $rest[0];
}
