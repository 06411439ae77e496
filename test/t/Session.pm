# Session.pm
#	  A psql that stays connected, for tests in which several sessions take turns.
#
#	my $session = Session->new($node);
#	is($session->ask('SELECT 1'), '1', ...);		waits for the answer
#	$session->tell('SELECT healthml.train(...)');	does not wait
#	$session->answer;								waits for what was told
#	$session->end;

package Session;

use strict;
use warnings;

use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

sub new
{
	my ($class, $node, $database) = @_;
	my $self = { in => '', out => '', err => '', number => 0, timer => IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default) };

	$self->{run} = IPC::Run::start(
		[
			'psql', '-XqAt', '-v', 'ON_ERROR_STOP=0', '-d', $node->connstr($database // 'postgres')
		],
		'<', \$self->{in}, '>', \$self->{out}, '2>', \$self->{err}, $self->{timer});
	return bless $self, $class;
}

sub tell
{
	my ($self, $sql) = @_;

	$self->{timer}->start($PostgreSQL::Test::Utils::timeout_default); # for this answer, not for all of them
	$self->{out} = $self->{err} = '';
	$self->{marker} = 'end of answer ' . ++$self->{number};
	$self->{in} .= "$sql;\n\\echo $self->{marker}\n\\warn $self->{marker}\n";
	$self->{run}->pump_nb;
	return;
}

# What the last statements have returned; their errors are in $session->{err}.
sub answer
{
	my ($self) = @_;
	my $marker = $self->{marker};

	$self->{run}->pump until $self->{out} =~ /$marker\n/ && $self->{err} =~ /$marker\n/;
	s/\n?$marker\n// for $self->{out}, $self->{err};
	return $self->{out};
}

sub ask
{
	my ($self, $sql) = @_;

	$self->tell($sql);
	return $self->answer;
}

sub end
{
	my ($self) = @_;

	$self->{in} .= "\\q\n";
	eval { $self->{run}->finish };
	return;
}

1;
