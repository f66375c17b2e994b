import { ARTEFACT_TYPES } from './artefact-events';
import { DETECTION_SCHEMA } from './detection';
import { CHANGE_ASSESSMENT_SCHEMA } from './change-assessment';
import { DETECTION_MUTE_TYPES } from './detection-mute';
import { count, object, string, version1 } from './type-shapes';

const TIMING = object({ seq: count, source: string, id: string, time: string, arrivedAt: string, watermark: string }, [
  'seq',
  'source',
  'id',
  'time',
  'arrivedAt',
]);

/** Types that the engine alone writes, and the clock. */
export const ENGINE_TYPES = [
  version1('detection.raised', 'A rule or detector found something.', DETECTION_SCHEMA),
  ...DETECTION_MUTE_TYPES,
  version1('pipeline.event-came-late', 'An event came after the watermark had passed its time.', TIMING),
  version1('pipeline.event-skewed', "An event claims a time in the future of the pipeline's clock.", TIMING),
  version1(
    'pipeline.rule-failed',
    'A rule threw on one event; the stream went on.',
    object({ ruleId: string, seq: count, source: string, id: string, message: { type: 'string' } }, [
      'ruleId',
      'seq',
      'message',
    ]),
  ),
  version1('clock.ticked', 'Time passed without an event.', object({})),
  ...ARTEFACT_TYPES,
  version1(
    'artefact.change-assessed',
    'A change of artefacts was replayed over this log beside what it would replace: what would have been found instead.',
    CHANGE_ASSESSMENT_SCHEMA,
  ),
  version1(
    'log.session-opened',
    'An import began: its events have sources and a watermark of their own.',
    object({ session: string, kind: { const: 'import' }, files: { type: 'array' } }, ['session', 'kind']),
  ),
  version1(
    'log.exported',
    'Records left the log in an evidence bundle.',
    object(
      { bundle: string, receiver: string, purpose: string, fromSeq: count, toSeq: count, records: count, keys: count },
      ['bundle', 'fromSeq', 'toSeq', 'records'],
    ),
  ),
  version1(
    'log.erased',
    'The keys of a person were destroyed: what was sealed under them cannot be read any more.',
    object(
      {
        person: string,
        keyIds: { type: 'array', items: string },
        aliases: { type: 'array', items: string },
        reason: string,
      },
      ['person', 'keyIds', 'reason'],
    ),
  ),
  version1(
    'log.expired',
    'Whole segments outlived the retention period and were deleted; their hashes stay.',
    object({ fromSeq: count, toSeq: count, rootHash: string, reason: string }, [
      'fromSeq',
      'toSeq',
      'rootHash',
      'reason',
    ]),
  ),
  version1(
    'log.revealed',
    'Sealed fields were shown in clear to somebody who asked for them. With `file`: records that an import refused, from that file; the range is empty then.',
    object({ fromSeq: count, toSeq: count, records: count, file: string, reason: string }, [
      'fromSeq',
      'toSeq',
      'records',
      'reason',
    ]),
  ),
  version1(
    'log.key-rotated',
    'The log was given a new data key: later blocks are encrypted under it, older ones stay as they are.',
    object({ dataKeyId: count }, ['dataKeyId']),
  ),
  version1(
    'log.session-closed',
    'An import ended: its windows are decided and the live session goes on.',
    object({ session: string, reason: { enum: ['completed', 'abandoned'] } }, ['session', 'reason']),
  ),
];
