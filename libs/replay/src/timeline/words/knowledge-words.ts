import { always, part, said, type Fields, type Wordings } from './fields';

const user = (fields: Fields): string => fields.name('user.uid') ?? 'somebody';
const patient = (fields: Fields): string => fields.name('patient.uid') ?? 'a patient';
const partner = (fields: Fields): string => fields.first('partner.uid', 'partner.name') ?? 'a partner';

function listed(verb: string, before: string): (fields: Fields) => string {
  return (fields) =>
    said(
      fields.name('patient.uid') ?? fields.name('value') ?? 'an entry',
      `was ${verb}`,
      part(before, fields.text('list')) ?? `${before} a list`,
      part('because:', fields.text('reason')),
    );
}

/** How events that say what is known of the house are told. */
export const KNOWLEDGE_WORDS: Wordings = {
  'roster.person-assigned': {
    one: (fields) =>
      said(user(fields), 'was assigned', part('to', fields.text('user.ward')), part('as', fields.text('user.role'))),
    many: ['assignment of a person', 'assignments of persons'],
  },
  'roster.person-left': {
    one: (fields) => `${user(fields)} works here no more`,
    many: ['person who left', 'persons who left'],
    isNotable: always,
  },
  'roster.shift-assigned': {
    one: (fields) =>
      said(
        user(fields),
        fields.flag('on_call') === true ? 'is on call' : 'is on duty',
        part('from', fields.text('start')),
        part('to', fields.text('end')),
      ),
    many: ['shift assigned', 'shifts assigned'],
  },
  'roster.partner-agreed': {
    one: (fields) => said('the agreement', fields.text('agreement'), `with ${partner(fields)} came into force`),
    many: ['agreement with a partner', 'agreements with partners'],
  },
  'roster.partner-ended': {
    one: (fields) => said('the agreement', fields.text('agreement'), `with ${partner(fields)} ended`),
    many: ['end of an agreement', 'ends of agreements'],
    isNotable: always,
  },
  'roster.device-assigned': {
    one: (fields) =>
      said(fields.text('device.uid') ?? 'a device', 'was assigned', part('to', fields.text('device.ward')) ?? 'anew'),
    many: ['assignment of a device', 'assignments of devices'],
  },
  'care.relationship-started': {
    one: (fields) => `${user(fields)} began to care for ${patient(fields)}`,
    many: ['start of care', 'starts of care'],
  },
  'care.relationship-ended': {
    one: (fields) => `${user(fields)} ceased to care for ${patient(fields)}`,
    many: ['end of care', 'ends of care'],
  },
  'care.patient-admitted': {
    one: (fields) => said(patient(fields), 'was admitted', part('to', fields.text('patient.ward'))),
    many: ['admission', 'admissions'],
  },
  'care.patient-transferred': {
    one: (fields) =>
      said(
        patient(fields),
        'was transferred',
        part('from', fields.text('from_ward')),
        part('to', fields.text('patient.ward')),
      ),
    many: ['transfer', 'transfers'],
  },
  'care.patient-discharged': {
    one: (fields) => said(patient(fields), 'left the hospital', part('; outcome:', fields.text('outcome'))),
    many: ['discharge', 'discharges'],
  },
  'watchlist.entry-added': {
    one: listed('put on', 'the watch list'),
    many: ['entry of a watch list', 'entries of watch lists'],
    isNotable: always,
  },
  'watchlist.entry-removed': {
    one: listed('taken off', 'the watch list'),
    many: ['entry taken off a watch list', 'entries taken off watch lists'],
    isNotable: always,
  },
};
