import { always, part, said, type Fields, type Wordings } from './fields';

const user = (fields: Fields): string => fields.name('user.uid') ?? 'somebody';
const actor = (fields: Fields): string => fields.name('actor.user.uid') ?? 'somebody';
const patient = (fields: Fields): string => fields.name('patient.uid') ?? 'a patient';
const at = (fields: Fields): string | undefined => part('at', fields.text('device.uid'));
const from = (fields: Fields): string | undefined => part('from', fields.text('src_endpoint.ip'));
const into = (fields: Fields): string | undefined => part('to', fields.text('service.name'));
const where = (fields: Fields): string | undefined => at(fields) ?? from(fields);

const bracketed = (text: string | undefined): string | undefined => (text === undefined ? undefined : `(${text})`);

function recordWords(verb: string): (fields: Fields) => string {
  return (fields) =>
    said(
      `${actor(fields)} ${verb} the record of ${patient(fields)}`,
      bracketed(fields.text('record_type')),
      where(fields),
      part('to', fields.text('destination')),
      part('for', fields.text('purpose')),
      fields.flag('care_relationship') === false && ', without a care relationship',
    );
}

/** How events about people at systems are told. */
export const ACCESS_WORDS: Wordings = {
  'access.signed-in': {
    one: (fields) =>
      said(user(fields), 'signed in', into(fields), where(fields), at(fields) !== undefined && from(fields)),
    many: ['sign-in', 'sign-ins'],
  },
  'access.sign-in-failed': {
    one: (fields) =>
      said(
        `a sign-in of ${user(fields)}`,
        into(fields),
        where(fields),
        'was refused',
        part('because of', fields.text('status_detail')),
      ),
    many: ['refused sign-in', 'refused sign-ins'],
  },
  'access.mfa-challenged': {
    one: (fields) =>
      said(
        user(fields),
        'was asked for a second factor',
        part('by', fields.text('method')),
        where(fields),
        `: ${fields.text('outcome') ?? 'no answer'}`,
      ),
    many: ['request for a second factor', 'requests for a second factor'],
    isNotable: (fields) => fields.text('outcome') === 'denied',
    alike: (fields) => fields.text('outcome'),
  },
  'access.session-ended': {
    one: (fields) => said(`a session of ${user(fields)} ended`, at(fields), part('because', fields.text('reason'))),
    many: ['session end', 'session ends'],
  },
  'access.keystrokes-measured': {
    one: (fields) =>
      said(`the typing of ${user(fields)} was measured`, at(fields), part('over keys:', fields.text('keys'))),
    many: ['measurement of typing', 'measurements of typing'],
  },
  'access.badge-read': {
    one: (fields) =>
      said(
        `${user(fields)} held a badge to`,
        fields.first('door', 'device.uid') ?? 'a reader',
        `: ${fields.text('outcome') ?? 'read'}`,
      ),
    many: ['badge reading', 'badge readings'],
    isNotable: (fields) => fields.text('outcome') === 'refused',
    alike: (fields) => fields.text('outcome'),
  },
  'access.device-reported-lost': {
    one: (fields) => `${fields.text('device.uid') ?? 'a device'} was reported lost or stolen`,
    many: ['report of a lost device', 'reports of lost devices'],
    isNotable: always,
  },
  'access.device-reported-found': {
    one: (fields) => `${fields.text('device.uid') ?? 'a device'} was reported found again`,
    many: ['report of a found device', 'reports of found devices'],
    isNotable: always,
  },
  'access.credential-reset': {
    one: (fields) =>
      said(
        `the ${fields.text('credential') ?? 'credential'} of ${user(fields)} was set anew`,
        part('by', fields.name('actor.user.uid')),
        where(fields),
      ),
    many: ['credential reset', 'credential resets'],
    isNotable: always,
  },
  'access.record-read': {
    one: recordWords('read'),
    many: ['record read', 'records read'],
    alike: (fields) => (fields.flag('care_relationship') === false ? 'without a care relationship' : undefined),
  },
  'access.record-changed': { one: recordWords('changed'), many: ['record changed', 'records changed'] },
  'access.record-exported': {
    one: recordWords('exported'),
    many: ['record exported', 'records exported'],
    alike: (fields) => fields.text('destination'),
  },
  'access.break-glass-used': {
    one: (fields) =>
      said(
        `${actor(fields)} used emergency access to the record of ${patient(fields)}`,
        where(fields),
        part('giving as the reason', fields.text('reason')),
      ),
    many: ['use of emergency access', 'uses of emergency access'],
    isNotable: always,
  },
  'access.privilege-changed': {
    one: (fields) =>
      said(
        `the privilege ${fields.text('privilege') ?? ''}`.trimEnd(),
        `of ${user(fields)} was`,
        fields.text('activity') ?? 'changed',
        part('by', fields.name('actor.user.uid')),
      ),
    many: ['change of privileges', 'changes of privileges'],
    isNotable: always,
  },
};
