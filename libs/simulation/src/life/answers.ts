import { DAY_MS, HOUR_MS } from '../durations';
import { endpointOf, type ExchangeFacts, type UserView } from '../event-drafts';
import type { Hospital, Role } from '../hospital/model';
import { portalUserAgent } from '../portal-accounts';
import { SeededRandom } from '../random';

/** Roles that work from eight to four on weekdays. */
const OFFICE_ROLES: ReadonlySet<Role> = new Set([
  'social-worker',
  'quality-officer',
  'infection-control-nurse',
  'clinical-coder',
]);
const OFFICE_HOURS = [8, 16] as const;
/** Answers that can wait until the morning do, nearly all. */
const AT_NIGHT_SHARE = 0.02;

/** When a role answers what it got at a time: office roles in their hours, others rarely at night. */
export function answerMs(random: SeededRandom, role: Role, fromMs: number): number {
  let timeMs = fromMs;
  if (!OFFICE_ROLES.has(role)) {
    const hour = (timeMs % DAY_MS) / HOUR_MS;
    if ((hour >= 6 && hour < 19) || random.chance(AT_NIGHT_SHARE)) return timeMs;
    return startOfDay(timeMs) + (hour < 6 ? 0 : DAY_MS) + 6 * HOUR_MS + random.integer(0, 4 * HOUR_MS);
  }
  const [openHour, closeHour] = OFFICE_HOURS;
  for (;;) {
    const dayMs = startOfDay(timeMs);
    const isOpen = !isWeekend(dayMs) && timeMs >= dayMs + openHour * HOUR_MS && timeMs < dayMs + closeHour * HOUR_MS;
    if (isOpen) return timeMs;
    const opensMs = dayMs + openHour * HOUR_MS;
    const isLater = timeMs < opensMs && !isWeekend(dayMs);
    timeMs = (isLater ? opensMs : opensMs + DAY_MS) + random.integer(0, 4 * HOUR_MS);
  }
}

/** Who of a role releases something at a time: of a ward where somebody of the role is there, else of the house. */
export function answerer(
  hospital: Hospital,
  random: SeededRandom,
  role: Role,
  ward: string | undefined,
  timeMs: number,
): StaffSeat {
  const here = ward === undefined ? [] : hospital.onDuty(timeMs, { role, ward });
  const inHouse = here.length > 0 ? here : hospital.onDuty(timeMs, { role });
  // Everybody of an office may be ill; there is always a physician.
  const present = inHouse.length > 0 ? inHouse : hospital.onDuty(timeMs, { role: 'physician' });
  if (present.length === 0) return {};
  const duty = random.pick(present);
  return staffSeat(hospital, duty.person.user, duty.ward);
}

/** Who works with the portal, and from where. */
export type StaffSeat = Pick<ExchangeFacts, 'actor' | 'from' | 'userAgent'>;

/** The workstation at which a member of staff works with the portal. */
export function staffSeat(hospital: Hospital, user: UserView, ward: string): StaffSeat {
  const own = hospital.devicesOf('workstation', ward);
  const seats = own.length > 0 ? own : hospital.devicesOf('workstation');
  const seat =
    seats.length === 0 ? undefined : SeededRandom.ofStream(hospital.seed, `portal-seat/${user.uid}`).pick(seats);
  if (seat === undefined) return { actor: user };
  return { actor: user, from: endpointOf(seat), userAgent: portalUserAgent('browser', seat.view.uid) };
}

function startOfDay(timeMs: number): number {
  return Math.floor(timeMs / DAY_MS) * DAY_MS;
}

/** True on Saturday and Sunday; the epoch began on a Thursday. */
export function isWeekend(timeMs: number): boolean {
  return ((((Math.floor(timeMs / DAY_MS) + 4) % 7) + 7) % 7) % 6 === 0;
}
