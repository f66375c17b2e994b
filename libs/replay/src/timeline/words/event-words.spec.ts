import { eventRegistry, type EventData } from '@protego/contracts';
import { hasWords, manyText, tellEvent } from './event-words';

const typeNames = [...eventRegistry.types()];

describe('the words of events', () => {
  it.each(typeNames)('%s has a sentence of its own, with data and without', (type) => {
    expect(hasWords(type)).toBe(true);
    for (const data of [{}, { user: { uid: '~s.0OUfg6MptoCBPmNNBdGbQw' }, device: { uid: 'pump-7', ward: 'icu' } }]) {
      const { words } = tellEvent(type, data);
      expect(words).toMatch(/^[\p{L}~][^\n]*[^.\s]$/u);
      expect(words).not.toMatch(/undefined|null| {2}/);
      expect(words).not.toContain(type);
    }
    expect(manyText(1, type)).toMatch(/^1 \p{L}/u);
    expect(manyText(2, type)).not.toBe(manyText(1, type).replace(/^1/, '2'));
  });

  it('names a type that is not declared', () => {
    expect(tellEvent('device.shaken-well', {}).words).toBe('device shaken well');
    expect(hasWords('device.shaken-well')).toBe(false);
  });

  it('tells who, what and where', () => {
    const data: EventData = {
      actor: { user: { uid: '~s.0OUfg6MptoCBPmNNBdGbQw' } },
      patient: { uid: '~p.6U9_gil5fC-dGgQv6TOI1Q' },
      device: { uid: 'workstation-0012' },
      care_relationship: false,
    };
    expect(tellEvent('access.record-read', data).words).toBe(
      '~s.0OUfg6MptoCBPmNNBdGbQw read the record of ~p.6U9_gil5fC-dGgQv6TOI1Q at workstation-0012, without a care relationship',
    );
  });

  it('says that a text is sealed, and never lets control characters through', () => {
    const told = tellEvent('device.config-changed', {
      device: { uid: 'pump\u001b[2J' },
      setting: 'dose',
      value: '~t.ab',
    });
    expect(told.words).toBe('the setting dose of pump\ufffd[2J changed to (sealed text)');
    expect(told.isNotable).toBe(true);
  });

  it('tells native records by their number or log', () => {
    const told = tellEvent('device.host-event-recorded', { EventID: 1102, Channel: 'Security', Computer: 'dc-1' });
    expect(told).toMatchObject({ words: 'on dc-1 the audit log was cleared (Security 1102)', isNotable: true });
    const zeek = {
      _path: 'dns',
      'id.orig_h': '10.0.0.1',
      'id.resp_h': '10.0.0.2',
      'id.resp_p': 53,
      query: 'a.example',
    };
    expect(tellEvent('device.network-log-recorded', zeek).words).toBe(
      'the network monitor saw in dns 10.0.0.1 to 10.0.0.2 port 53: a.example',
    );
  });
});
