import { accountDraft } from '../event-drafts';
import type { Duty, SimulatedDevice } from '../hospital/model';
import { SeededRandom } from '../random';
import { dutiesIn, dutyKey } from './duties';
import { HourPlans, itemsBetween, type PlanBasis } from './hour-plans';
import type { Life } from './life';

/** A badge at a reader. */
interface BadgeRead {
  readonly timeMs: number;
  readonly duty: Duty;
  readonly reader: SimulatedDevice;
  readonly isRefused: boolean;
}

const MINUTE_MS = 60_000;
/** People come and go a little before and after their duty. */
const MARGIN_MS = 12 * MINUTE_MS;
/** About how long somebody stays behind one door. */
const STAY_MS = 110 * MINUTE_MS;
const REFUSED_SHARE = 0.008;

const plans = new HourPlans<BadgeRead>(planStretch, 12, 3);

/** Badges at doors: when people come, go from one place to another, and leave. */
export const BADGE_LIFE: Life = {
  name: 'badges',
  drafts({ hospital, settings, seed, startMs, endMs }) {
    const touching = plans.touching({ hospital, settings, seed }, startMs, endMs);
    return Array.from(itemsBetween(touching, startMs, endMs), ({ timeMs, duty: { person }, reader, isRefused }) =>
      accountDraft(timeMs, 'access.badge-read', person.user.uid, {
        user: person.user,
        device: reader.view,
        door: `${reader.view.ward} door`,
        outcome: isRefused ? 'refused' : 'opened',
      }),
    );
  },
};

function planStretch(basis: PlanBasis, startMs: number, endMs: number): BadgeRead[] {
  return dutiesIn(basis, startMs - MARGIN_MS, endMs + MARGIN_MS)
    .filter(({ isOnCall }) => !isOnCall)
    .flatMap((duty) => badgeReads(basis, duty))
    .filter(({ timeMs }) => timeMs >= startMs && timeMs < endMs)
    .sort((a, b) => a.timeMs - b.timeMs);
}

function badgeReads({ hospital, seed }: PlanBasis, duty: Duty): BadgeRead[] {
  const random = SeededRandom.ofStream(seed, `badges/${dutyKey(duty)}`);
  const all = hospital.devicesOf('badge-reader');
  if (all.length === 0) return [];
  const inWard = hospital.devicesOf('badge-reader', duty.person.user.ward);
  const own = inWard.length === 0 ? all : inWard;
  const reads: BadgeRead[] = [];
  const add = (timeMs: number, readers: readonly SimulatedDevice[]): void => {
    const reader = random.pick(readers);
    const isRefused = random.chance(REFUSED_SHARE);
    reads.push({ timeMs, duty, reader, isRefused });
    if (isRefused) reads.push({ timeMs: timeMs + 4000, duty, reader, isRefused: false });
  };
  add(duty.startMs - random.integer(0, MARGIN_MS - 5000), own);
  for (let timeMs = duty.startMs + random.integer(0, STAY_MS); timeMs < duty.endMs;) {
    add(timeMs, random.chance(0.75) ? own : all);
    timeMs += random.integer(STAY_MS / 3, STAY_MS * 1.7);
  }
  add(duty.endMs + random.integer(0, MARGIN_MS - 5000), own);
  return reads;
}
