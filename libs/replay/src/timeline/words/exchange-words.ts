import { always, part, said, type Fields, type Wordings } from './fields';

const partner = (fields: Fields): string => fields.first('partner.uid', 'partner.name') ?? 'a partner';
const patient = (fields: Fields): string => fields.name('patient.uid') ?? 'a patient';
const purpose = (fields: Fields): string | undefined => part('for', fields.text('purpose'));
const ofPatient = (fields: Fields): string | undefined => part('of', fields.name('patient.uid'));

/** How events about data that partners get and send are told. */
export const EXCHANGE_WORDS: Wordings = {
  'exchange.requested': {
    one: (fields) => said(partner(fields), 'asked for data', ofPatient(fields), purpose(fields)),
    many: ['request for data', 'requests for data'],
    alike: (fields) => fields.text('partner.uid'),
  },
  'exchange.released': {
    one: (fields) => said('data', ofPatient(fields), `were released to ${partner(fields)}`, purpose(fields)),
    many: ['release of data', 'releases of data'],
    alike: (fields) => fields.text('partner.uid'),
  },
  'exchange.refused': {
    one: (fields) =>
      said(
        `a request of ${partner(fields)} for data`,
        ofPatient(fields),
        'was refused',
        part('because of', fields.text('reason')),
      ),
    many: ['refused request for data', 'refused requests for data'],
    isNotable: always,
  },
  'exchange.received': {
    one: (fields) => said('data', ofPatient(fields), `came from ${partner(fields)}`, purpose(fields)),
    many: ['receipt of data', 'receipts of data'],
    alike: (fields) => fields.text('partner.uid'),
  },
  'exchange.revoked': {
    one: (fields) => said('a release of data', ofPatient(fields), `to ${partner(fields)} was taken back`),
    many: ['release taken back', 'releases taken back'],
    isNotable: always,
  },
  'exchange.consent-given': {
    one: (fields) => said(`${patient(fields)} agreed that ${partner(fields)} gets data`, purpose(fields)),
    many: ['consent given', 'consents given'],
  },
  'exchange.consent-withdrawn': {
    one: (fields) => said(`${patient(fields)} took back the consent to ${partner(fields)}`, purpose(fields)),
    many: ['consent taken back', 'consents taken back'],
    isNotable: always,
  },
};
