# No library that healthml brings along starts a thread in a backend: PostgreSQL is not made for them.

use strict;
use warnings;

use HealthML;
use Test::More;

plan skip_all => 'this system shows no threads in /proc' unless -d '/proc/self/task';

my $node = new_cluster('threads');

is(backend_threads($node, 'SELECT 1'), 1, 'a plain backend has one thread');
is(backend_threads($node, "LOAD 'healthml'"), 1, 'one thread once the library is loaded');

$node->stop;
done_testing();
