import type { Duty } from '../hospital/model';
import { HourPlans, type PlanBasis } from './hour-plans';

/** Every duty is longer than this, so that looking so often finds them all. */
const DUTY_MS_MIN = 30 * 60_000;

const plans = new HourPlans<Duty>(dutiesOfHour, 1, 24);

/** Duties that touch a time, half-open; of those on call the physicians'. */
export function dutiesIn(basis: PlanBasis, startMs: number, endMs: number): Duty[] {
  const duties = new Map<string, Duty>();
  for (const hour of plans.touching(basis, startMs, endMs)) {
    for (const duty of hour) if (duty.startMs < endMs && duty.endMs > startMs) duties.set(dutyKey(duty), duty);
  }
  return [...duties.values()];
}

/** Name of a duty, unique in a house. */
export function dutyKey({ person, startMs, isOnCall }: Duty): string {
  return `${person.user.uid}/${startMs}${isOnCall ? '/on-call' : ''}`;
}

function dutiesOfHour({ hospital }: PlanBasis, startMs: number, endMs: number): Duty[] {
  const duties = new Map<string, Duty>();
  const physicians = hospital.peopleOf('physician');
  const looks = [endMs - 1];
  for (let timeMs = startMs; timeMs < endMs; timeMs += DUTY_MS_MIN) looks.push(timeMs);
  for (const timeMs of looks) {
    for (const duty of hospital.onDuty(timeMs)) duties.set(dutyKey(duty), duty);
    for (const person of physicians) {
      const duty = hospital.dutyOf(person, timeMs);
      if (duty?.isOnCall === true) duties.set(dutyKey(duty), duty);
    }
  }
  return [...duties.values()];
}
