import type { EventDraft } from '../draft';
import { accountDraft, endpointOf, signedInDraft, type Seat, type UserView } from '../event-drafts';
import { inTime } from '../attacks/activity';
import type { DeviceClass, Hospital, SimulatedDevice, StaffMember } from '../hospital/model';
import { SeededRandom } from '../random';
import { userAgentOf } from '../user-agents';
import { HourPlans, itemsBetween, type PlanBasis } from './hour-plans';
import type { Life } from './life';
import { lostSpans } from './lost-devices';
import { sessionUid } from './session-life';
import { refusedDraft } from './sign-in-life';

const HOUR_MS = 3_600_000;
/** Shares of the staff whose password or second factor the service desk sets anew on a day, and whose privileges change. */
const RESET_SHARE = 0.004;
const PRIVILEGE_SHARE = 0.0015;

/** Accounts of services, and on what kind of host each runs. */
export const SERVICE_ACCOUNTS: readonly (readonly [uid: string, host: DeviceClass])[] = [
  ['svc-laboratory-interface', 'interface-server'],
  ['svc-admission-interface', 'interface-server'],
  ['svc-image-archive', 'image-archive'],
  ['svc-backup', 'backup-server'],
];
const PRIVILEGES = ['ward-manager', 'medication-approval', 'interface-configuration', 'report-export'] as const;

const plans = new HourPlans<EventDraft>(planHour, 1, 8);

/** What happens to accounts now and then: resets, privileges, tablets that are missed and found, services that sign in. */
export const ACCOUNT_LIFE: Life = {
  name: 'accounts',
  drafts({ hospital, settings, seed, startMs, endMs }) {
    return [...itemsBetween(plans.touching({ hospital, settings, seed }, startMs, endMs), startMs, endMs)];
  },
};

/** Somebody who may set credentials anew at a time: whoever is on duty in the computing department. */
export function serviceDesk(hospital: Hospital, random: SeededRandom, timeMs: number): UserView | undefined {
  const onDuty = hospital.onDuty(timeMs, { role: 'it-administrator' });
  if (onDuty.length > 0) return random.pick(onDuty).person.user;
  const all = hospital.peopleOf('it-administrator');
  return all.length === 0 ? undefined : random.pick(all).user;
}

/** Account of a service with the host that it signs in from; undefined where the house has no such host. */
export function serviceSeat(hospital: Hospital, [uid, host]: readonly [string, DeviceClass]): Seat | undefined {
  const server = hospital.devicesOf(host)[0];
  if (server === undefined) return undefined;
  return {
    user: { uid, role: 'service-account' },
    device: server.view,
    from: endpointOf(server),
    service: 'ehr',
    userAgent: userAgentOf(host, server.view.uid),
  };
}

/** A credential that was set anew. */
export function credentialResetDraft(
  timeMs: number,
  user: UserView,
  by: UserView,
  credential: 'password' | 'second-factor',
  at?: SimulatedDevice,
): EventDraft {
  return accountDraft(timeMs, 'access.credential-reset', user.uid, {
    user,
    actor: { user: by },
    ...(at === undefined ? {} : { device: at.view, src_endpoint: { ...endpointOf(at) } }),
    credential,
  });
}

/** A device that was reported lost, or found. */
export function deviceReportDraft(
  timeMs: number,
  what: 'lost' | 'found',
  device: SimulatedDevice,
  by: UserView,
): EventDraft {
  return accountDraft(timeMs, `access.device-reported-${what}`, device.view.uid, {
    device: device.view,
    actor: { user: by },
  });
}

function planHour(basis: PlanBasis, startMs: number, endMs: number): EventDraft[] {
  const { hospital, seed } = basis;
  const random = SeededRandom.ofStream(seed, `accounts/${startMs}`);
  const isByDay = startMs % 86_400_000 >= 6 * HOUR_MS && startMs % 86_400_000 < 18 * HOUR_MS;
  return inTime([
    ...(isByDay ? deskWork(hospital, random, startMs) : []),
    ...reports(basis, startMs, endMs),
    ...services(hospital, random, startMs),
  ]);
}

function deskWork(hospital: Hospital, random: SeededRandom, startMs: number): EventDraft[] {
  const drafts: EventDraft[] = [];
  const deskSeat = hospital.devicesOf('workstation', 'data-centre')[0];
  const some = (share: number): StaffMember[] =>
    random.sample(hospital.people, random.times((hospital.people.length * share) / 12));
  for (const { user } of some(RESET_SHARE)) {
    const timeMs = startMs + random.integer(0, HOUR_MS - 1);
    const desk = serviceDesk(hospital, random, timeMs);
    if (desk === undefined) continue;
    const credential = random.chance(0.7) ? 'password' : 'second-factor';
    drafts.push(credentialResetDraft(timeMs, user, desk, credential, random.chance(0.5) ? deskSeat : undefined));
  }
  for (const { user } of some(PRIVILEGE_SHARE)) {
    const timeMs = startMs + random.integer(0, HOUR_MS - 1);
    const desk = serviceDesk(hospital, random, timeMs);
    const facts = { privilege: random.pick(PRIVILEGES), activity: random.chance(0.6) ? 'granted' : 'revoked' };
    drafts.push(
      accountDraft(timeMs, 'access.privilege-changed', user.uid, { user, actor: { user: desk ?? user }, ...facts }),
    );
  }
  return drafts;
}

function reports(basis: PlanBasis, startMs: number, endMs: number): EventDraft[] {
  const { hospital, seed } = basis;
  return lostSpans(basis, startMs, endMs).flatMap((span) => {
    const random = SeededRandom.ofStream(seed, `reports/${span.device.view.uid}/${span.startMs}`);
    return (['lost', 'found'] as const).flatMap((what) => {
      const timeMs = what === 'lost' ? span.startMs : span.endMs - 1;
      const onDuty = hospital.onDuty(timeMs, { ward: span.device.view.ward });
      const isNow = timeMs >= startMs && timeMs < endMs && onDuty.length > 0;
      return isNow ? [deviceReportDraft(timeMs, what, span.device, random.pick(onDuty).person.user)] : [];
    });
  });
}

function services(hospital: Hospital, random: SeededRandom, startMs: number): EventDraft[] {
  return SERVICE_ACCOUNTS.flatMap((account) => {
    const seat = serviceSeat(hospital, account);
    if (seat === undefined) return [];
    const drafts: EventDraft[] = [];
    for (let timeMs = startMs + random.integer(0, HOUR_MS / 3); timeMs < startMs + HOUR_MS; timeMs += HOUR_MS / 2) {
      if (random.chance(0.01)) drafts.push(refusedDraft(timeMs, seat, 'wrong password'));
      const signInMs = Math.min(timeMs + 5000, startMs + HOUR_MS - 1);
      drafts.push(signedInDraft(signInMs, { ...seat, session: sessionUid(random) }, false));
    }
    return drafts;
  });
}
