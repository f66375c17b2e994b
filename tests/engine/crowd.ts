import type { ProtegoEvent } from '@protego/contracts';
import { failedSignIn, probeEvent, STUFFING_NAMES } from './sample-events';

/** Somebody in the events of a hospital. */
export interface Person {
  readonly uid: string;
  readonly name: string;
}

/** Who is forgotten. */
export const MARIA: Person = { uid: 'u-0417', name: 'Maria Keller' };
/** Who works beside her and stays. */
export const JONAS: Person = { uid: 'u-0418', name: 'Jonas Brandt' };
/** Staff beside those two; the rest of the thousand are patients. */
const STAFF = 898;
const PATIENTS = 100;

/** Ways in which others write her name. */
const SPELLINGS = [
  'Maria Keller',
  'maria.keller',
  'MARIA%20KELLER',
  'Maria+Keller',
  'Keller, Maria',
  'mariakeller',
  'u-0417',
  'U-0417',
  '<b>Maria</b>&nbsp;<b>Keller</b>',
  'M%61ria/K&#101;ller',
  'SU9VIE1hcmlhIEtlbGxlcg==',
  'VABvACAATQBhAHIAaQBhACAASwBlAGwAbABlAHIA',
];

/** Texts that name her. */
export const TEXTS = 50;

/** One event for each of a thousand people, staff and patients. */
export function crowd(timeMs: number): ProtegoEvent[] {
  const staff = Array.from({ length: STAFF }, (_, i) => {
    const number = String(i < 417 ? i : i + 2).padStart(4, '0');
    return { uid: `u-${number}`, name: `Ada${number} Example${number}` };
  });
  const signedIn = [...staff, MARIA, JONAS].map((user) =>
    probeEvent(timeMs, { id: `in-${user.uid.slice(2)}`, type: 'access.signed-in', data: { user, mfa: true } }),
  );
  const read = Array.from({ length: PATIENTS }, (_, i) =>
    probeEvent(timeMs, {
      id: `read-${i}`,
      type: 'access.record-read',
      data: { actor: { user: JONAS }, patient: { uid: `pt-${i}`, name: `Patient${i} Example${i}`, ward: 'surgery' } },
    }),
  );
  return [...signedIn, ...read];
}

/** Records whose command line, URL or free text names her; most name somebody else in a field of their own. */
export function textsNaming(timeMs: number): ProtegoEvent[] {
  return Array.from({ length: TEXTS }, (_, i) => {
    const name = SPELLINGS[i % SPELLINGS.length] as string;
    const id = `text-${i}`;
    if (i % 3 === 0)
      return probeEvent(timeMs, {
        id,
        type: 'device.process-started',
        data: {
          device: { uid: 'ws-1' },
          process: { name: 'notes.exe', cmd_line: `notes.exe --for "${name}" /q` },
          actor: { user: JONAS },
        },
      });
    if (i % 3 === 1)
      return probeEvent(timeMs, {
        id,
        type: 'device.network-log-recorded',
        data: { _path: 'http', uri: `/search?who=${name}&x=1`, user: 'jonas.brandt' },
      });
    return probeEvent(timeMs, {
      id,
      type: 'access.break-glass-used',
      data: {
        actor: { user: JONAS },
        patient: { uid: `pt-${i}` },
        device: { uid: 'tablet-1' },
        reason: `${name} asked for it`,
      },
    });
  });
}

/** What the shipped rules raise about her, and about somebody else. */
export function suspicious(timeMs: number): ProtegoEvent[] {
  const glass = (id: string, user: Person): ProtegoEvent =>
    probeEvent(timeMs, {
      id,
      type: 'access.break-glass-used',
      data: { actor: { user }, patient: { uid: 'pt-7' }, device: { uid: 'tablet-1' } },
    });
  const names = [MARIA.uid, ...Array.from({ length: STUFFING_NAMES - 1 }, (_, i) => `u-${String(i).padStart(4, '0')}`)];
  return [
    glass('glass-1', MARIA),
    glass('glass-2', JONAS),
    ...names.map((name, i) => failedSignIn(timeMs, `stuffed-${i}`, '10.9.8.7', name)),
  ];
}

/** Messages that the engine refuses and that name her, in ways that only look different. */
export function refused(timeMs: number): Buffer[] {
  const [wrong] = crowd(timeMs);
  return [
    Buffer.from(`{"name":"${MARIA.name}", broken`),
    Buffer.from('{"note":"first line\\nMaria Keller", broken'),
    Buffer.from('{"note":"\\u004daria Kell\\u0065r", broken'),
    Buffer.from(`{"user":"${MARIA.uid}", broken`, 'utf16le'),
    Buffer.from(
      JSON.stringify({ ...wrong, id: 'wrong', type: 'access.signed-in', data: { user: { uid: 4, name: MARIA.name } } }),
    ),
  ];
}
