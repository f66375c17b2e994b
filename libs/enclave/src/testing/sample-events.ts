import { type EventData, type ProtegoEvent } from '@protego/contracts';
import { type SealedEvent } from '../personal-data';

/** Event time of the sample events. */
export const TIME = '2026-03-02T07:00:00.000Z';

/** An event with defaults, for tests of vaults. */
export function eventOf(type: string, data: EventData, more: Partial<ProtegoEvent> = {}): ProtegoEvent {
  return { specversion: '1.0', id: 'e-1', source: 'ehr', type, time: TIME, site: 'ward', data, ...more };
}

/** What a reader has of a record: its stored event. */
export function storedOf({ body }: SealedEvent): ProtegoEvent {
  return JSON.parse(body.toString('utf8')) as ProtegoEvent;
}

/** A nurse reads the record of a patient. */
export const readEvent = eventOf(
  'access.record-read',
  {
    actor: { user: { uid: 'p-016', name: 'Jane Doe', role: 'nurse', ward: 'surgery' } },
    patient: { uid: 'pt-0010', name: 'John Roe', birth_date: '1950-05-05', ward: 'surgery' },
    device: { uid: 'tablet-02', ip: '10.20.0.19' },
    care_relationship: true,
    record_type: 'chart',
  },
  { subject: 'p-016' },
);
