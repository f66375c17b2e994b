import { stepTimes, type ActivityCourse, type Stage } from './activity';
import { EHR_SERVICE, endpointOf, signInDraft, type EventDraft } from './draft';
import { shiftAt, type SimulatedDevice, type SimulatedPerson } from './hospital';
import type { SeededRandom } from './random';

/** From this many account names on, an attack has gone further than any harmless activity does. */
export const ACCOUNTS_TELLING = 15;

// RFC 5737 keeps these networks for documentation, so they belong to nobody.
const OUTSIDE_NETWORKS = ['192.0.2', '198.51.100', '203.0.113'] as const;
const SYLLABLES = ['an', 'be', 'co', 'da', 'el', 'fi', 'gra', 'ho', 'is', 'jo', 'ka', 'lu', 'mar', 'ne', 'ol', 'pe'];

/** An outside address tries a list of 40 to 64 account names within about four minutes, then one password fits. */
export function credentialStuffing({ hospital, random, startMs }: Stage): ActivityCourse {
  const address = `${random.pick(OUTSIDE_NETWORKS)}.${random.integer(1, 254)}`;
  const known = random.sample(hospital.people, random.integer(8, 14)).map(({ user }) => user.uid);
  const names = random.sample([...known, ...unknownNames(random, random.integer(32, 50))], Infinity);
  const times = stepTimes(random, startMs, random.integer(200_000, 260_000), names.length + 1);
  const victim = random.pick(known);
  const drafts = names.map((name, index) =>
    outsideSignIn(times[index] as number, address, name, known.includes(name) ? 'wrong password' : 'unknown account'),
  );
  drafts.push(outsideSignIn(times[names.length] as number, address, victim));
  return {
    attack: 'credential-stuffing',
    entities: [
      { kind: 'address', id: address },
      { kind: 'person', id: victim },
    ],
    drafts,
    detectableAtMs: (drafts[ACCOUNTS_TELLING - 1] as EventDraft).timeMs,
  };
}

/** All passwords expired: support walks round with a tablet, on which six to eight people fail one to three times. */
export function forcedPasswordChange({ hospital, random, startMs, tablet: device }: Stage): ActivityCourse {
  const onDuty = hospital.people.filter(({ shift }) => shift === shiftAt(startMs));
  const people = random.sample(onDuty, random.integer(6, 8));
  const drafts = people.flatMap((person, index) => retries(random, startMs + index * 60_000, person, device));
  return {
    attack: 'credential-stuffing',
    entities: [
      { kind: 'address', id: device.ip },
      { kind: 'device', id: device.uid },
    ],
    drafts,
    detectableAtMs: null,
  };
}

/** A service account with an old password retries 100 to 140 times from one server within ten minutes. */
export function staleServiceAccount({ hospital, random, startMs }: Stage): ActivityCourse {
  const server = hospital.devices.find(({ type }) => type === 'interface-server') as SimulatedDevice;
  const uid = 'svc-laboratory-interface';
  const times = stepTimes(random, startMs, 590_000, random.integer(100, 140));
  return {
    attack: 'credential-stuffing',
    entities: [
      { kind: 'address', id: server.ip },
      { kind: 'person', id: uid },
    ],
    drafts: times.map((timeMs) => ({
      timeMs,
      source: 'ehr',
      type: 'access.sign-in-failed',
      subject: uid,
      data: {
        user: { uid, role: 'service-account' },
        device: server,
        src_endpoint: endpointOf(server),
        service: EHR_SERVICE,
        status_detail: 'password expired',
      },
    })),
    detectableAtMs: null,
  };
}

function retries(
  random: SeededRandom,
  startMs: number,
  person: SimulatedPerson,
  device: SimulatedDevice,
): EventDraft[] {
  let timeMs = startMs + random.integer(0, 8000);
  const drafts: EventDraft[] = [];
  for (let n = random.integer(1, 3); n > 0; n--) {
    drafts.push(signInDraft(timeMs, person, device, 'password expired'));
    timeMs += random.integer(4000, 12_000);
  }
  return [...drafts, signInDraft(timeMs, person, device)];
}

function outsideSignIn(timeMs: number, address: string, uid: string, failure?: string): EventDraft {
  const shared = { user: { uid }, src_endpoint: { ip: address, zone: 'internet' }, service: EHR_SERVICE };
  return {
    timeMs,
    source: 'ehr',
    type: failure === undefined ? 'access.signed-in' : 'access.sign-in-failed',
    subject: uid,
    data: failure === undefined ? { ...shared, mfa: false } : { ...shared, status_detail: failure },
  };
}

function unknownNames(random: SeededRandom, count: number): string[] {
  const names = new Set<string>();
  while (names.size < count) {
    names.add(`${random.pick(SYLLABLES)}${random.pick(SYLLABLES)}${random.pick(SYLLABLES)}${random.integer(1, 99)}`);
  }
  return [...names];
}
