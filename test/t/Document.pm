# Document.pm
#	  The SQL examples of a page, run against a server and compared with the output that the page shows.
#
# An example is a block fenced as sql; a fence without a language right after it holds its output.  All examples of a page
# run in one psql session, in a database of its own.  Output is compared without regard to line breaks, spacing
# and rules, so that a page may fold long lines.  A line "<!-- varies -->" between the two says that the output differs
# from run to run (times, numbers that depend on the processor): then an example only has to succeed.  An ERROR
# is right where the page shows one.
#
# The session's directory is one of its own.  A file NAME.svg that an example saves there with \g is the picture that the
# page shows as images/NAME.svg.

package Document;

use strict;
use warnings;

use File::Temp;
use IPC::Run;

my $width = 116;

sub new
{
	my ($class, $file) = @_;

	open my $in, '<:raw', $file or die "could not open $file: $!";
	my @lines = <$in>;
	close $in;
	return bless { file => $file, lines => \@lines, examples => _examples(@lines), saved => File::Temp->newdir }, $class;
}

sub examples { return @{ $_[0]{examples} }; }

sub begins_from_nothing
{
	my ($first) = $_[0]->examples;
	return $first && $first->{sql} =~ /^CREATE EXTENSION healthml/;
}

# Where each example stands: { line, sql, varies, from, to }, lines from..to-1 being its output, if it has one.
sub _examples
{
	my @lines = @_;
	my @found;

	for (my $i = 0; $i < @lines; $i++)
	{
		next unless $lines[$i] =~ /^```(\w*)/;
		my $language = $1;
		my $start = ++$i;
		$i++ until $i >= @lines || $lines[$i] =~ /^```/;
		next unless $language eq 'sql';

		my %example = (line => $start, sql => join('', @lines[ $start .. $i - 1 ]), varies => 0);
		my $next = $i + 1;
		$next++ while $next < @lines && ($lines[$next] =~ /^\s*$/ || ($lines[$next] =~ /^<!-- varies -->/ && ($example{varies} = 1)));
		if ($next < @lines && $lines[$next] =~ /^```$/)
		{
			$example{from} = $i = $next + 1;
			$i++ until $lines[$i] =~ /^```/;
			$example{to} = $i;
		}
		push @found, \%example;
	}
	return \@found;
}

# Run all examples against the database of a connection string; each gets {output}.
sub run
{
	my ($self, $connection) = @_;
	my $script = "\\pset footer off\n\\cd $self->{saved}\n";
	my $number = 0;

	$script .= "$_->{sql}\n;\\echo ==== end of example\n\\warn ==== end of example\n" for $self->examples;
	# One pipe for both streams keeps errors and notices where they belong.
	my $all = '';
	IPC::Run::run([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=0', '-d', $connection ], '<', \$script, '>&', \$all,
		IPC::Run::timeout(300));
	my @outputs = split /^(?:==== end of example\n){2}/m, $all, -1;
	for my $example ($self->examples)
	{
		my $output = $outputs[ $number++ ] // "ERROR:  the session ended\n";
		$output =~ s/^psql:<stdin>:\d+: //mg;
		$output =~ s/[ \t]+$//mg;
		$output =~ s/^\n+//;
		$output =~ s/\n+$/\n/;
		$example->{output} = $output;
	}
	return;
}

# Of each picture that the page shows and its examples have saved: [its place, where it was saved].
sub pictures
{
	my ($self) = @_;
	my ($folder) = $self->{file} =~ m{^(.*/)?};
	my @names = map { m{\]\(images/([\w-]+\.svg)\)}g } @{ $self->{lines} };

	return map { [ ($folder // '') . "images/$_", "$self->{saved}/$_" ] } grep { -e "$self->{saved}/$_" } @names;
}

sub _plain
{
	my ($text) = @_;
	$text =~ s/^[-+ ]+$//mg;
	$text =~ s/\s+//g;
	return $text;
}

sub shown
{
	my ($self, $example) = @_;
	return defined $example->{from} ? join '', @{ $self->{lines} }[ $example->{from} .. $example->{to} - 1 ] : undef;
}

# What is wrong with an example that was run; the empty string when nothing is.
sub wrong
{
	my ($self, $example) = @_;
	my $shown = $self->shown($example);

	return $example->{output}
	  if $example->{output} =~ /^(ERROR|FATAL|PANIC)/m && ($shown // '') !~ /^ERROR/m;
	return '' if !defined $shown || $example->{varies} || _plain($shown) eq _plain($example->{output});
	return "shown:\n$shown\ngot:\n$example->{output}";
}

# The page with the outputs of the last run.
sub renewed
{
	my ($self) = @_;
	my @lines = @{ $self->{lines} };

	for my $example (reverse $self->examples)
	{
		next unless defined $example->{from};
		next if !$example->{varies} && $self->wrong($example) eq '';
		my @output = map { _fold($_) } split /^/m, $example->{output};
		splice @lines, $example->{from}, $example->{to} - $example->{from}, @output;
	}
	return join '', @lines;
}

# Prose is folded; tables are not.
sub _fold
{
	my ($line) = @_;
	my $folded = '';

	return $line if length($line) <= $width || $line =~ / \| / || $line =~ /^-+\+?-*$/;
	$line =~ s/^ //;
	$folded .= "$1\n" while length($line) > $width && $line =~ s/^(.{1,$width})[ ]//;
	return $folded . $line;
}

1;
