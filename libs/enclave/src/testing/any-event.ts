import type { ProtegoEvent } from '@protego/contracts';
import fc from 'fast-check';
import { eventOf } from './sample-events';

const leaf = fc.oneof(
  fc.string(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter((n) => Math.abs(n) < 2 ** 53),
  fc.boolean(),
  fc.constantFrom(null, '~t.0', '~s.AAAAAAAAAAAAAAAAAAAAAA', 'p-016', 'see Jane Doe', '', ' '),
);
const value = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small' },
    leaf,
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(fc.oneof(fc.constantFrom('uid', '__proto__', '~k.0', 'a/b~c'), fc.string()), tie('any'), {
      maxKeys: 3,
    }),
  ),
})).any;
const data = fc.dictionary(
  fc.oneof(fc.constantFrom('user', 'actor', 'patient', 'device', 'reason', 'status', '__proto__'), fc.string()),
  fc.oneof(value, fc.record({ uid: leaf, name: leaf }), fc.record({ user: fc.record({ uid: value, name: value }) })),
  { maxKeys: 6 },
);
/** Events of all shapes, sound and odd, as they come out of JSON. */
export const ANY_EVENT = fc
  .tuple(fc.constantFrom('access.signed-in', 'device.joined', 'device.host-event-recorded', 'x.y'), data, leaf)
  .map(([type, each, subject]) => {
    const made = eventOf(type, each, typeof subject === 'string' ? { subject } : {});
    // As events come: through JSON.
    return JSON.parse(JSON.stringify(made).toWellFormed()) as ProtegoEvent;
  });

const name = fc.oneof(
  fc.string(),
  fc.string({ unit: 'grapheme' }),
  fc.integer(),
  fc.constantFrom(
    null,
    true,
    '',
    ' ',
    'SYSTEM',
    'p-016',
    'Jane Doe',
    'host$',
    '~t.0',
    '~s.AAAAAAAAAAAAAAAAAAAAAA',
    'x'.repeat(200),
  ),
);
const user = fc.record({ uid: name, name, role: name, ward: name }, { requiredKeys: [] });
const declaredData = fc.record(
  {
    user,
    actor: fc.record({ user }, { requiredKeys: [] }),
    patient: fc.record({ uid: name, name, birth_date: name, ward: name }, { requiredKeys: [] }),
    device: fc.dictionary(fc.oneof(fc.constantFrom('uid', 'owner', '7', 'ü'), fc.string()), name, {
      minKeys: 1,
      maxKeys: 4,
    }),
    partner: fc.record({ uid: name }),
    reason: name,
    status_detail: name,
    care_relationship: name,
  },
  { requiredKeys: [] },
);
/** Events whose members are nearly all declared, none of them an array, with values sound and odd. */
export const SHAPED_EVENT = fc
  .tuple(fc.constantFrom('access.signed-in', 'access.record-read', 'device.joined'), declaredData, name)
  .map(([type, each, subject]) => {
    const made = eventOf(type, { purpose: 'care', ...each }, typeof subject === 'string' ? { subject } : {});
    return JSON.parse(JSON.stringify(made).toWellFormed()) as ProtegoEvent;
  });
