import { parseRfc3339Ms, type ProtegoEvent } from '@protego/contracts';
import { HourCounts } from './day-clock';
import { fieldAt, textAt } from './event-fields';
import { mean, quantile, ratio, valueOf } from './statistics';

/** A break of this length between two reads of a person ends what counts as one duty. */
const DUTY_GAP_MS = 6 * 3_600_000;

/** Record reads of one role. */
export interface RoleReads {
  readonly role: string;
  readonly people: number;
  readonly duties: number;
  /** Reads in a duty: median, 10th and 90th percentile. */
  readonly reads: readonly [number, number, number];
  /** Different patients in a duty: mean, 10th and 90th percentile. */
  readonly patients: readonly [number, number, number];
}

interface Duty {
  lastMs: number;
  reads: number;
  readonly patients: Set<string>;
}

interface PersonReads {
  readonly role: string;
  readonly duties: Duty[];
}

/** Counts sign-ins, record access and emergency access of staff. */
export class PeopleTally {
  readonly signIns = new HourCounts();
  readonly reads = new HourCounts();
  readonly #people = new Map<string, PersonReads>();
  readonly #signers = new Set<string>();
  #signInCount = 0;
  #failureCount = 0;
  #readCount = 0;
  #outsideCare = 0;
  #breakGlass = 0;

  /** Takes one event, in event time as it arrives. */
  take(event: ProtegoEvent): void {
    const timeMs = parseRfc3339Ms(event.time) as number;
    switch (event.type) {
      case 'access.signed-in':
      case 'access.sign-in-failed':
        return this.#signIn(event, timeMs);
      case 'access.record-read':
        return this.#read(event, timeMs);
      case 'access.break-glass-used':
        this.#breakGlass++;
    }
  }

  /** Sign-ins of staff a person and week: those who signed in at all. */
  signInsPerWeek(days: number): number {
    return ratio(this.#signInCount * 7, this.#signers.size * days);
  }

  /** Part of the sign-ins of staff that were refused. */
  failedPart(): number {
    return ratio(this.#failureCount, this.#signInCount + this.#failureCount);
  }

  /** Part of the record reads without a care relationship. */
  outsideCarePart(): number {
    return ratio(this.#outsideCare, this.#readCount);
  }

  /** Emergency access for each thousand record reads. */
  breakGlassPerThousand(): number {
    return ratio(this.#breakGlass * 1000, this.#readCount);
  }

  /** Reads by role, most reads first. */
  roles(): RoleReads[] {
    const byRole = new Map<string, PersonReads[]>();
    for (const person of this.#people.values()) valueOf(byRole, person.role, () => []).push(person);
    return [...byRole]
      .map(([role, people]): RoleReads => {
        const duties = people.flatMap((person) => person.duties);
        const [reads, patients] = [duties.map((duty) => duty.reads), duties.map((duty) => duty.patients.size)];
        return {
          role,
          people: people.length,
          duties: duties.length,
          reads: [quantile(reads, 0.5), quantile(reads, 0.1), quantile(reads, 0.9)],
          patients: [mean(patients), quantile(patients, 0.1), quantile(patients, 0.9)],
        };
      })
      .sort((a, b) => b.reads[0] - a.reads[0] || (a.role < b.role ? -1 : 1));
  }

  #signIn({ type, data }: ProtegoEvent, timeMs: number): void {
    const [uid, role] = [textAt(data, 'user.uid'), textAt(data, 'user.role')];
    // Partners' people and patients sign in to portals, and services have accounts of their own.
    if (uid === undefined || uid.startsWith('svc-') || textAt(data, 'service.name') !== 'ehr') return;
    // Whoever is refused has no role yet: the name may be anybody's.
    if (type === 'access.sign-in-failed') this.#failureCount++;
    if (type === 'access.sign-in-failed' || role === undefined) return;
    this.#signInCount++;
    this.#signers.add(uid);
    this.signIns.add(timeMs);
  }

  #read({ data }: ProtegoEvent, timeMs: number): void {
    const [uid, role] = [textAt(data, 'actor.user.uid'), textAt(data, 'actor.user.role')];
    const patient = textAt(data, 'patient.uid');
    if (uid === undefined || role === undefined || patient === undefined) return;
    this.reads.add(timeMs);
    this.#readCount++;
    if (fieldAt(data, 'care_relationship') !== true) this.#outsideCare++;
    const { duties } = valueOf(this.#people, uid, () => ({ role, duties: [] }));
    let duty = duties[duties.length - 1];
    if (duty === undefined || timeMs - duty.lastMs > DUTY_GAP_MS)
      duties.push((duty = { lastMs: timeMs, reads: 0, patients: new Set() }));
    duty.lastMs = Math.max(duty.lastMs, timeMs);
    duty.reads++;
    duty.patients.add(patient);
  }
}
