import { caresFor } from './directory-life';
import { EHR_SERVICE, recordAccessDraft, signInDraft, type EventDraft, type RecordAccess } from './draft';
import {
  WARDS,
  shiftAt,
  type Hospital,
  type SimulatedDevice,
  type SimulatedPatient,
  type SimulatedPerson,
} from './hospital';
import type { SeededRandom } from './random';

// How often things happen, per minute. They make about 1,100 events an hour in a hospital of the default size by day.
const SIGN_IN_CHANCE = 0.5;
const SIGN_OUT_CHANCE = 0.06;
const READS_PER_SESSION = 1.7;
const CHANGES_PER_SESSION = 0.3;
const EXPORTS_PER_SESSION = 0.004;
const BREAK_GLASS_PER_SESSION = 0.002;
/** Share of reads in which a person is consulted about a patient of another ward. */
const CONSULT_SHARE = 0.04;
/** Share of sign-ins that go wrong once before they succeed. */
const MISTYPED_SHARE = 0.12;

const RECORD_TYPES = ['chart', 'medication', 'laboratory', 'imaging-report', 'observation'] as const;
const BREAK_GLASS_REASONS = [
  'resuscitation in progress',
  'transfer from the emergency department, relationship not yet recorded',
  'attending physician unreachable, patient deteriorating',
] as const;

interface Session {
  readonly person: SimulatedPerson;
  readonly device: SimulatedDevice;
}

/** Ordinary staff: sign in, mistype, read and change records of their ward, consult, sign out, go home. */
export class StaffLife {
  /** One session a person at most, so it is bounded by the number of staff. */
  readonly #sessions = new Map<string, Session>();

  constructor(
    private readonly hospital: Hospital,
    private readonly eventRateFactor: number,
    private readonly random: SeededRandom,
  ) {}

  /** What staff do in one minute. */
  minute(startMs: number): EventDraft[] {
    const drafts = this.#signOuts(startMs);
    const rate = this.eventRateFactor * (this.#isNight(startMs) ? 0.5 : 1);
    for (const session of this.#sessions.values()) this.#work(drafts, startMs, session, rate);
    this.#signIns(drafts, startMs);
    return drafts;
  }

  #isNight(timeMs: number): boolean {
    return shiftAt(timeMs) === 2;
  }

  #signOuts(startMs: number): EventDraft[] {
    const drafts: EventDraft[] = [];
    const shift = shiftAt(startMs);
    for (const [uid, { person, device }] of this.#sessions) {
      const isOffDuty = person.shift !== shift;
      if (!isOffDuty && !this.random.chance(SIGN_OUT_CHANCE)) continue;
      this.#sessions.delete(uid);
      drafts.push({
        timeMs: startMs + this.random.integer(0, 4000),
        source: 'ehr',
        type: 'access.session-ended',
        subject: uid,
        data: {
          user: person.user,
          device,
          service: EHR_SERVICE,
          reason: isOffDuty ? 'shift ended' : 'signed out',
        },
      });
    }
    return drafts;
  }

  #signIns(drafts: EventDraft[], startMs: number): void {
    const shift = shiftAt(startMs);
    for (const person of this.hospital.people) {
      if (person.shift !== shift || this.#sessions.has(person.user.uid)) continue;
      if (!this.random.chance(SIGN_IN_CHANCE)) continue;
      const device = this.random.pick(this.hospital.seatsOf.get(person.user.ward) ?? this.hospital.devices);
      const timeMs = startMs + this.random.integer(6000, 59_000);
      if (this.random.chance(MISTYPED_SHARE))
        drafts.push(signInDraft(timeMs - this.random.integer(1500, 5500), person, device, 'wrong password'));
      drafts.push(signInDraft(timeMs, person, device));
      this.#sessions.set(person.user.uid, { person, device });
    }
  }

  #work(drafts: EventDraft[], startMs: number, session: Session, rate: number): void {
    if (session.person.user.role === 'biomedical-technician') return;
    const at = (): number => startMs + this.random.integer(4000, 59_999);
    for (let n = this.random.times(READS_PER_SESSION * rate); n > 0; n--)
      drafts.push(recordAccessDraft(at(), 'access.record-read', this.#access(session)));
    for (let n = this.random.times(CHANGES_PER_SESSION * rate); n > 0; n--)
      drafts.push(recordAccessDraft(at(), 'access.record-changed', this.#ownWardAccess(session)));
    for (let n = this.random.times(EXPORTS_PER_SESSION * rate); n > 0; n--)
      drafts.push(recordAccessDraft(at(), 'access.record-exported', this.#ownWardAccess(session)));
    for (let n = this.random.times(BREAK_GLASS_PER_SESSION * rate); n > 0; n--)
      drafts.push(this.#breakGlass(at(), session));
  }

  #access(session: Session): RecordAccess {
    if (!this.random.chance(CONSULT_SHARE)) return this.#ownWardAccess(session);
    const ward = this.random.pick(WARDS.filter((name) => name !== session.device.ward));
    return { ...this.#accessTo(session, this.#patientOf(ward)), hasCareRelationship: true, purpose: 'consult' };
  }

  #ownWardAccess(session: Session): RecordAccess {
    return this.#accessTo(session, this.#patientOf(session.device.ward));
  }

  #accessTo({ person, device }: Session, patient: SimulatedPatient): RecordAccess {
    const recordType = this.random.pick(RECORD_TYPES);
    return {
      person,
      device,
      patient,
      hasCareRelationship: caresFor(person, patient),
      purpose: 'treatment',
      recordType,
    };
  }

  #breakGlass(timeMs: number, { person, device }: Session): EventDraft {
    const patient = this.#patientOf(device.ward);
    return {
      timeMs,
      source: 'ehr',
      type: 'access.break-glass-used',
      subject: person.user.uid,
      data: { actor: { user: person.user }, device, patient, reason: this.random.pick(BREAK_GLASS_REASONS) },
    };
  }

  #patientOf(ward: string): SimulatedPatient {
    return this.random.pick(this.hospital.patientsOf.get(ward) ?? this.hospital.patients);
  }
}
