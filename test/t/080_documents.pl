# The examples of the pages do what the pages say: of those whose first example creates the extension.

use strict;
use warnings;

use Document;
use HealthML;
use Test::More;

my $node = new_cluster('documents');
my $number = 0;

for my $file ('README.md', sort glob 'docs/*.md')
{
	my $page = Document->new($file);
	my $database = 'docs_' . ++$number;

	next unless $page->begins_from_nothing;
	scalar_of($node, "CREATE DATABASE $database");
	$page->run($node->connstr($database));
	for my $example ($page->examples)
	{
		my $wrong = $page->wrong($example);
		ok($wrong eq '', "$file line $example->{line}") or diag($wrong);
	}
	for my $picture ($page->pictures)
	{
		my $drawn = do { local (@ARGV, $/) = ($picture->[1]); <> };
		like($drawn, qr{^<svg .*</svg>$}s, "an example of $file draws $picture->[0]");
	}
}

# Pages that are linked, and files that are said to show something, are there.
for my $file ('README.md', sort glob 'docs/*.md')
{
	my $text = do { local (@ARGV, $/) = ($file); <> };
	my $folder = $file =~ m{^(.*/)} ? $1 : '';
	my @named = map { "$folder$_" } grep { !/^\w+:/ } $text =~ /\]\(([^)#]+)/g;

	push @named, $text =~ m{`test/(t/[\w.]+)`}g;
	is(join(', ', grep { !-e } @named), '', "$file names nothing that is not there");
}

$node->stop;
done_testing();
