import { always, part, said, type Fields, type Wordings } from './fields';

const seqs = (fields: Fields): string | undefined => {
  const [from, to] = [fields.text('fromSeq'), fields.text('toSeq')];
  return from === undefined || to === undefined ? undefined : `from seq ${from} up to ${to}`;
};
const reason = (fields: Fields): string | undefined => part('because:', fields.text('reason'));

function decided(verb: string): (fields: Fields) => string {
  return (fields) =>
    said(
      'detections',
      part('of rule', fields.text('rule')),
      part('about', fields.name('entity.id')),
      `were ${verb}`,
      part('until', fields.text('expiresAt')),
      part('by', fields.name('actor')),
      reason(fields),
    );
}

function mistimed(what: string): (fields: Fields) => string {
  return (fields) => said(part('the event', fields.text('id')) ?? 'an event', part('of', fields.text('source')), what);
}

/** How events that Protego itself writes are told. */
export const ENGINE_WORDS: Wordings = {
  'detection.raised': {
    one: (fields) => said(fields.text('severity'), 'detection:', fields.text('title')),
    many: ['detection', 'detections'],
    isNotable: always,
  },
  'detection.muted': { one: decided('muted'), many: ['mute', 'mutes'], isNotable: always },
  'detection.acknowledged': {
    one: decided('acknowledged'),
    many: ['acknowledgement', 'acknowledgements'],
    isNotable: always,
  },
  'detection.unmuted': {
    one: (fields) => said('a mute or acknowledgement was ended', part('by', fields.name('actor')), reason(fields)),
    many: ['end of a mute', 'ends of mutes'],
    isNotable: always,
  },
  'pipeline.event-came-late': { one: mistimed('came late'), many: ['late event', 'late events'] },
  'pipeline.event-skewed': {
    one: mistimed('claims a time in the future'),
    many: ['event with a time in the future', 'events with a time in the future'],
  },
  'pipeline.rule-failed': {
    one: (fields) => said(part('the rule', fields.text('ruleId')) ?? 'a rule', 'failed on an event'),
    many: ['failure of a rule', 'failures of rules'],
    isNotable: always,
  },
  'clock.ticked': { one: () => 'time passed without an event', many: ['tick of the clock', 'ticks of the clock'] },
  'artefact.activated': {
    one: (fields) => said('other artefacts came into force', part('under the name', fields.text('name'))),
    many: ['activation of artefacts', 'activations of artefacts'],
    isNotable: always,
  },
  'artefact.retired': {
    one: (fields) => said('artefacts are in force no more', part('under the name', fields.text('name'))),
    many: ['retirement of artefacts', 'retirements of artefacts'],
    isNotable: always,
  },
  'artefact.change-assessed': {
    one: () => 'a change of artefacts was assessed by replay',
    many: ['assessment of a change', 'assessments of changes'],
    isNotable: always,
  },
  'log.session-opened': { one: () => 'an import began', many: ['start of an import', 'starts of imports'] },
  'log.session-closed': {
    one: (fields) => said('an import ended', part(':', fields.text('reason'))),
    many: ['end of an import', 'ends of imports'],
  },
  'log.exported': {
    one: (fields) =>
      said('records left the log in an evidence bundle,', seqs(fields), part('for', fields.text('purpose'))),
    many: ['export of evidence', 'exports of evidence'],
    isNotable: always,
  },
  'log.erased': {
    one: (fields) => said(`the keys of ${fields.name('person') ?? 'a person'} were destroyed`, reason(fields)),
    many: ['erasure of a person', 'erasures of persons'],
    isNotable: always,
  },
  'log.expired': {
    one: (fields) => said('records outlived their retention period and were deleted,', seqs(fields), reason(fields)),
    many: ['expiry of records', 'expiries of records'],
    isNotable: always,
  },
  'log.revealed': {
    one: (fields) => said('sealed fields were shown in clear,', seqs(fields), reason(fields)),
    many: ['look at sealed fields', 'looks at sealed fields'],
    isNotable: always,
  },
  'log.key-rotated': {
    one: () => 'the log was given a new data key',
    many: ['change of the data key', 'changes of the data key'],
  },
};
