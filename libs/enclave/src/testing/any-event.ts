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
