import { type EventData } from '@protego/contracts';
import { EventSealer } from './event-sealer';
import { Tokeniser } from './identity';
import { KeyRing } from './key-ring';
import { eventOf, storedOf } from './testing/sample-events';
import { shippedFields } from './testing/shipped-fields';
import { type SealedEvent } from './personal-data';
import { valueAt } from './event-paths';

const HOME = { surname: 'Lind', street: 'Elm Street', address: 'Elm Street 4' };

/** The same values as fields of other types, and in another spelling. */
const SPELLED = { surname: ' LIND ', street: 'elm  street', address: 'Elm Street 4' };

describe('tokens across event types', () => {
  let slots = 0;
  const sealer = new EventSealer(
    shippedFields(),
    new Tokeniser(Buffer.alloc(32, 1)),
    new KeyRing(),
    Buffer.alloc(32, 2),
    () => slots++,
  );
  const sealed = (type: string, data: EventData): SealedEvent => sealer.seal(eventOf(type, data));
  const anna = { uid: 'anna.lind', role: 'nurse', ward: 'surgery' };
  const events = {
    assigned: sealed('roster.person-assigned', { user: anna, resident: { patient_uid: 'pt-7', ...HOME } }),
    admitted: sealed('care.patient-admitted', { patient: { uid: 'pt-7', ward: 'medicine', ...SPELLED } }),
    neighbour: sealed('care.patient-admitted', { patient: { uid: 'pt-8', ...HOME, address: 'Elm Street 5' } }),
    care: sealed('care.relationship-started', { user: anna, patient: { uid: 'pt-7' } }),
    listed: sealed('watchlist.entry-added', { list: 'vip', patient: { uid: 'pt-7' } }),
    value: sealed('watchlist.entry-added', { list: 'vip', value: 'pt-7' }),
    read: sealed('access.record-read', { actor: { user: anna }, patient: { uid: 'PT-7' } }),
  };
  /** Value of a field in the stored event, and as the pipeline sees it. */
  const valuesOf = (name: keyof typeof events, path: string): unknown[] => {
    const event = events[name];
    return [storedOf(event), event.pipelineEvent].map((each) => valueAt(each.data, path.split('.')));
  };
  const patientToken = valuesOf('read', 'patient.uid')[0];

  it('are one for one patient, whichever type names them, for the log and for the pipeline', () => {
    expect(patientToken).toMatch(/^~p\./);
    for (const [name, path] of [
      ['read', 'patient.uid'],
      ['admitted', 'patient.uid'],
      ['care', 'patient.uid'],
      ['listed', 'patient.uid'],
      ['assigned', 'resident.patient_uid'],
    ] as const)
      expect(valuesOf(name, path)).toEqual([patientToken, patientToken]);
  });

  it('are one for one surname, street and address, of staff and of patients', () => {
    for (const field of ['surname', 'street', 'address']) {
      const ofStaff = valuesOf('assigned', `resident.${field}`);
      expect(ofStaff[0]).toMatch(/^~p\./);
      expect(valuesOf('admitted', `patient.${field}`)).toEqual(ofStaff);
    }
    expect(valuesOf('neighbour', 'patient.street')).toEqual(valuesOf('assigned', 'resident.street'));
    expect(valuesOf('neighbour', 'patient.address')).not.toEqual(valuesOf('assigned', 'resident.address'));
  });

  it('are others for another class: a patient on a watch list stands there as `patient`, not as `value`', () => {
    const [stored, seen] = valuesOf('value', 'value');
    expect(stored).toMatch(/^~s\./);
    expect(seen).toBe('pt-7');
    expect(stored).not.toBe(patientToken);
  });
});
