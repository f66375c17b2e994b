import type { EventDraft } from '../draft';
import { breakGlassDraft, patientView, recordDraft, type RecordAccess } from '../event-drafts';
import { drawWord } from '../hospital/draws';
import type { Role } from '../hospital/model';
import type { Life, Slice, StaffSession } from './life';
import { coverCase, wrongRecord } from './record-slips';
import { anyInpatient, nextCase, type RecordCase, type Work } from './record-work';
import { sessionsIn } from './session-life';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Cases an hour of a session, by role; those who open no records are left out. */
const CASES_PER_HOUR: Readonly<Partial<Record<Role, number>>> = {
  nurse: 15,
  'float-nurse': 15,
  physician: 13,
  radiographer: 7,
  'lab-technician': 8,
  pharmacist: 9,
  'infection-control-nurse': 5,
  'social-worker': 4,
  'clinical-coder': 5,
  'admission-clerk': 8,
  'quality-officer': 2,
};
/** How many records are opened, by hour of the day (UTC): rounds in the morning, medicines at eight, twelve and six. */
const BY_HOUR = [
  0.5, 0.45, 0.4, 0.4, 0.5, 0.8, 1.1, 1.2, 1.5, 1.4, 1.2, 1.1, 1.2, 1.1, 1.1, 1.1, 1, 1, 1.2, 1, 0.9, 0.9, 0.8, 0.6,
];
/** Accesses of one case, each as likely as the others. */
const CASE_SIZES = [1, 1, 2, 2, 2, 3, 3, 4, 5];
const BREAK_GLASS_SHARE = 0.0009;
const BREAK_GLASS_REASONS = [
  'resuscitation in progress',
  'transfer from the emergency department, relationship not yet recorded',
  'attending physician unreachable, patient deteriorating',
  'called to the ward in an emergency',
  'allergy had to be looked up at once',
] as const;

/** Records that staff read, change and export in their sessions, with the slips that happen: see `record-slips`. */
export const RECORD_LIFE: Life = {
  name: 'records',
  drafts(slice) {
    const { hospital, settings, seed, startMs, endMs } = slice;
    const drafts: EventDraft[] = [];
    for (const session of sessionsIn(hospital, settings, seed, startMs, endMs)) addSession(drafts, slice, session);
    return drafts;
  },
};

function addSession(drafts: EventDraft[], slice: Slice, session: StaffSession): void {
  const { person } = session;
  const perHour = CASES_PER_HOUR[person.user.role];
  if (perHour === undefined) return;
  const [fromMs, toMs] = [Math.max(slice.startMs, session.startMs), Math.min(slice.endMs, session.endMs)];
  const { hospital, settings, seed, random } = slice;
  const factor =
    (BY_HOUR[Math.floor(fromMs / HOUR_MS) % 24] as number) * settings.rates.reads * settings.eventRateFactor;
  let left = random.times((perHour * factor * (toMs - fromMs)) / HOUR_MS);
  if (left === 0) return;
  const duty = hospital.dutyOf(person, session.startMs);
  const ward = duty?.ward ?? person.user.ward;
  const dutyStartMs = duty?.startMs ?? session.startMs;
  const dutyKey = drawWord(seed, person.resident.index, Math.floor(dutyStartMs / HOUR_MS));
  for (; left > 0; left--) {
    const timeMs = random.integer(fromMs, toMs - 1);
    addCase(drafts, { basis: { hospital, settings, seed }, session, ward, timeMs, random, dutyKey }, dutyStartMs, toMs);
  }
}

function addCase(drafts: EventDraft[], work: Work, dutyStartMs: number, untilMs: number): void {
  const usual = nextCase(work);
  if (usual === undefined) return;
  const { random, session } = work;
  let { timeMs } = work;
  const wrong = wrongRecord(work);
  for (const part of wrong?.parts ?? []) {
    drafts.push(recordDraft(timeMs, 'read', accessTo(session, wrong as RecordCase, part)));
    timeMs = nextMs(work, timeMs, untilMs);
  }
  if (session.person.user.role === 'physician' && random.chance(BREAK_GLASS_SHARE)) {
    addEmergency(drafts, work, untilMs);
    return;
  }
  addAccesses(drafts, work, coverCase(work, dutyStartMs, usual) ?? usual, timeMs, untilMs);
}

function addAccesses(drafts: EventDraft[], work: Work, found: RecordCase, fromMs: number, untilMs: number): void {
  const { random, session } = work;
  let timeMs = fromMs;
  for (let left = random.pick(CASE_SIZES); left > 0; left--) {
    const act = random.chance(found.changedShare) ? 'changed' : 'read';
    drafts.push(recordDraft(timeMs, act, accessTo(session, found, random.pick(found.parts))));
    timeMs = nextMs(work, timeMs, untilMs);
  }
  if (found.exportedShare === 0 || !random.chance(found.exportedShare)) return;
  const exported = { bytesOut: random.integer(40_000, 900_000), destination: found.destination };
  drafts.push(recordDraft(timeMs, 'exported', accessTo(session, found, random.pick(found.parts)), exported));
}

/** Somebody of another ward, whom nobody has entered yet, needs help at once. */
function addEmergency(drafts: EventDraft[], work: Work, untilMs: number): void {
  const { random, session, timeMs } = work;
  const stay = anyInpatient(work);
  if (stay === undefined) return;
  const ground = { purpose: 'treatment', changedShare: 0.1, exportedShare: 0, destination: 'printer' };
  const parts = ['chart', 'medication', 'laboratory', 'observation'] as const;
  const found: RecordCase = { ...ground, patient: patientView(stay.patient, stay.ward), isInCare: false, parts };
  drafts.push(breakGlassDraft(timeMs, accessTo(session, found, 'chart'), random.pick(BREAK_GLASS_REASONS)));
  addAccesses(drafts, work, found, nextMs(work, timeMs, untilMs), untilMs);
}

/** Some seconds later, but within the session. */
function nextMs({ random }: Work, timeMs: number, untilMs: number): number {
  return Math.min(timeMs + random.integer(4_000, 38_000), untilMs - 1);
}

function accessTo(session: StaffSession, found: RecordCase, recordType: string): RecordAccess {
  const { person, device, from, uid, userAgent } = session;
  return {
    person,
    device,
    from,
    session: uid,
    userAgent,
    patient: found.patient,
    hasCareRelationship: found.isInCare,
    purpose: found.purpose,
    recordType,
  };
}
