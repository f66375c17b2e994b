import { formatRfc3339 } from '@protego/contracts';
import type { EventDraft } from '../draft';
import { DAY_MS } from '../durations';
import { directoryDraft, patientView } from '../event-drafts';
import { drawIndex } from '../hospital/draws';
import type { Duty, Hospital, Resident, Stay } from '../hospital/model';
import { consultsIn } from './consults';
import type { Life, Slice } from './life';

const MINUTE_MS = 60_000;
/** Duties are announced a day before they begin, within so much time. */
const ANNOUNCED_MS = DAY_MS;
const ANNOUNCING_MS = 40 * MINUTE_MS;
/** What is known when a simulation begins is told within so much time. */
const OPENING_MS = 4_000;
/** After the people. */
const DEVICES_AFTER_MS = 1_000;
const PATIENTS_AFTER_MS = 2_000;

/** The directory: who works where and when, which device belongs to which ward, who lies where, partners, who is on watch. */
export const DIRECTORY_LIFE: Life = {
  name: 'directory',
  drafts: (slice) => {
    const drafts: EventDraft[] = [];
    if (slice.startMs <= slice.beginMs && slice.beginMs < slice.endMs) opening(slice, drafts);
    duties(slice, drafts);
    stays(slice, drafts);
    consults(slice, drafts);
    return drafts;
  },
};

/** Everything that is known when the simulation begins. */
function opening({ hospital, beginMs, random }: Slice, drafts: EventDraft[]): void {
  const at = (fromMs: number): number => beginMs + fromMs + random.integer(0, DEVICES_AFTER_MS - 1);
  for (const { user, resident } of hospital.people) {
    const { patientUid, surname, street, address } = resident;
    const home = { patient_uid: patientUid, surname, street, address };
    drafts.push(directoryDraft(at(0), 'roster.person-assigned', user.uid, { user, resident: home }));
  }
  for (const { view, agreement, purposes, networks } of hospital.partners) {
    const facts = { partner: view, agreement, purposes, networks };
    drafts.push(directoryDraft(at(0), 'roster.partner-agreed', view.uid, facts));
  }
  for (const uid of hospital.vips) {
    const facts = { list: 'vip', patient: { uid }, reason: 'person of public life' };
    drafts.push(directoryDraft(at(0), 'watchlist.entry-added', facts.list, facts));
  }
  for (const { view } of hospital.devices) {
    drafts.push(directoryDraft(at(DEVICES_AFTER_MS), 'roster.device-assigned', view.uid, { device: view }));
  }
  for (const stay of hospital.inpatients(beginMs)) drafts.push(admitted(at(PATIENTS_AFTER_MS), stay));
  for (const duty of hospital.dutiesBeginning(beginMs - DAY_MS, beginMs + ANNOUNCED_MS + ANNOUNCING_MS)) {
    if (duty.endMs > beginMs && announcedMs(duty) < beginMs) {
      drafts.push(announced(beginMs + PATIENTS_AFTER_MS + random.integer(0, OPENING_MS - PATIENTS_AFTER_MS - 1), duty));
    }
  }
}

function duties({ hospital, startMs, endMs }: Slice, drafts: EventDraft[]): void {
  for (const duty of hospital.dutiesBeginning(startMs + ANNOUNCED_MS - ANNOUNCING_MS, endMs + ANNOUNCED_MS)) {
    const timeMs = announcedMs(duty);
    if (timeMs >= startMs && timeMs < endMs) drafts.push(announced(timeMs, duty));
  }
}

/** Less than a day before the duty begins, by another number of minutes for each person and duty. */
function announcedMs({ person, startMs }: Duty): number {
  return startMs - ANNOUNCED_MS + drawIndex(ANNOUNCING_MS, person.resident.index, Math.floor(startMs / MINUTE_MS), 1);
}

function announced(timeMs: number, { person, startMs, endMs, isOnCall }: Duty): EventDraft {
  return directoryDraft(timeMs, 'roster.shift-assigned', person.user.uid, {
    user: person.user,
    start: formatRfc3339(startMs),
    end: formatRfc3339(endMs),
    on_call: isOnCall,
  });
}

function stays({ hospital, startMs, endMs, beginMs }: Slice, drafts: EventDraft[]): void {
  for (const stay of hospital.staysBeginning(startMs, endMs)) {
    // Whoever comes in the first millisecond is there already when the simulation begins.
    if (stay.startMs > beginMs) drafts.push(begun(hospital, stay));
  }
  for (const { patient, ward, outcome, endMs: leftMs } of hospital.staysEnding(startMs, endMs)) {
    if (outcome === 'transferred') continue;
    const facts = { patient: patientView(patient, ward), outcome };
    drafts.push(directoryDraft(leftMs, 'care.patient-discharged', patient.patientUid, facts));
  }
}

function begun(hospital: Hospital, stay: Stay): EventDraft {
  const { patient, startMs } = stay;
  const before = hospital.stayOf(patient.patientUid, startMs - 1);
  if (before?.outcome !== 'transferred') return admitted(startMs, stay);
  const facts = { patient: withHome(patient, stay.ward), from_ward: before.ward };
  return directoryDraft(startMs, 'care.patient-transferred', patient.patientUid, facts);
}

function admitted(timeMs: number, { patient, ward }: Stay): EventDraft {
  return directoryDraft(timeMs, 'care.patient-admitted', patient.patientUid, { patient: withHome(patient, ward) });
}

function withHome(patient: Resident, ward: string): { uid: string; ward?: string } & Record<string, string> {
  const { patientUid, surname, street, address } = patient;
  return { uid: patientUid, ward, surname, street, address };
}

/** Physicians who are asked about patients of other wards. */
function consults({ hospital, startMs, endMs }: Slice, drafts: EventDraft[]): void {
  for (const { person, stay, startMs: fromMs, endMs: toMs } of consultsIn(hospital, startMs, endMs)) {
    const facts = { user: person.user, patient: patientView(stay.patient, stay.ward) };
    const subject = person.user.uid;
    if (fromMs >= startMs) drafts.push(directoryDraft(fromMs, 'care.relationship-started', subject, facts));
    if (toMs < endMs) drafts.push(directoryDraft(toMs, 'care.relationship-ended', subject, facts));
  }
}
