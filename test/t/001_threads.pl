# No library that healthml brings along starts a thread in a backend: PostgreSQL is not made for them.

use strict;
use warnings;

use HealthML;
use Test::More;

plan skip_all => 'this system shows no threads in /proc' unless -d '/proc/self/task';

my $node = new_cluster('threads');
my @calls = (
	[ 'a plain backend', 'SELECT 1' ],
	[ 'loading the library', q{LOAD 'healthml'} ],
	[ 'training', q{SELECT train('heart_attack', 'isolation_forest', 'patients', target => 'heart_disease')} ],
	[ 'scoring', 'SELECT sum(iforest_score(p)) FROM patients p' ],
	[ 'explaining', 'SELECT count(*) FROM patients p, shap_explain(p)' ],
	[ 'telling', 'SELECT explain_text(p) FROM patients p LIMIT 1' ],
	[ 'moving a model', q{SELECT import_model('copy', export_model('heart_attack'))} ],
	[ 'keeping predictions', q{SELECT batch_predict('heart_attack', 'patients', 'patient_id', explain => 1)} ],
	[ 'hearing', q{SELECT audio_info(s), heart_sound_classify(s), plot_spectrogram(s, sample_rate => 3000), plot_heart_sound(s) FROM synthetic_heart_sound() s} ],
	[ 'aggregates', 'SELECT roc_auc(iforest_score(p), heart_disease), fedavg(ARRAY[1::real], 1) FROM patients p' ],);

scalar_of($node, 'CREATE TABLE public.patients AS SELECT * FROM synthetic_patients(200)');
is(backend_threads($node, $_->[1]), 1, "one thread: $_->[0]") for @calls;

$node->stop;
done_testing();
