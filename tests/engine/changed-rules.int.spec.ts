import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EngineHouse, until } from './engine-house';
import { SAMPLE_RULE_FILES, bytesOf, unsignedFirmware } from './sample-events';

const RULE_FILE = 'rules/unsigned-medical-device-firmware.yml';

describe('an engine whose rules change', () => {
  let house: EngineHouse;

  const send = async (id: string): Promise<void> => {
    expect((await house.post(bytesOf(unsignedFirmware(Date.now(), id)), 'application/json')).status).toBe(200);
    await house.drained();
  };
  const detections = async (): Promise<string[]> =>
    (await house.log())
      .filter(({ event }) => event.type === 'detection.raised')
      .map(({ event }) => String(event.data['title']));
  const activations = async (): Promise<number> =>
    (await house.log()).filter(({ event }) => event.type === 'artefact.activated').length;

  beforeAll(async () => {
    house = await EngineHouse.open({ clock: 'wall', ruleFiles: SAMPLE_RULE_FILES });
  }, 60_000);

  afterAll(() => house.close(), 30_000);

  it('records which rules are in force, once', async () => {
    await send('one');
    await house.stopEngine();
    await house.startEngine();
    expect(await activations()).toBe(1);
    expect(await detections()).toHaveLength(1);
  }, 60_000);

  it('does not raise the past again, and finds what comes with the new words', async () => {
    await house.stopEngine();
    const path = join(house.streamsDir, RULE_FILE);
    writeFileSync(path, readFileSync(path, 'utf8').replace(/^title: .*$/m, 'title: Mended words'));
    await house.startEngine();
    await send('two');
    await until(async () => (await detections()).length === 2, 'the detection');
    expect((await detections())[1]).toBe('Mended words');
    expect(await activations()).toBe(2);
    // The past is judged by the rules that were in force then.
    expect(house.engineRemarks()).not.toContain('results');
  }, 60_000);
});
