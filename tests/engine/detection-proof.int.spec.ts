import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServiceError } from 'nats';
import { commandSubject, type Detection } from '@protego/contracts';
import { generateReceiverKey } from '@protego/event-log';
import { EngineHouse, PROTEGO, SITE } from './engine-house';
import { bytesOf, clockTick, probeEvent, subjectOf, unsignedFirmware } from './sample-events';

jest.setTimeout(180_000);

const START_MS = Date.now() - 3_600_000;
const RULE_FILES = ['unsigned-medical-device-firmware.yml', 'emergency-access-without-reason.yml'];

function done(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROTEGO, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${args.slice(0, 3).join(' ')} ended with ${status}: ${stderr}${stdout}`);
  return stdout;
}

describe('the proof of a detection that the engine raised', () => {
  const aside = mkdtempSync(join(tmpdir(), 'protego-live-proof-'));
  let house: EngineHouse;

  beforeAll(async () => {
    house = await EngineHouse.open({ clock: 'feed', ruleFiles: RULE_FILES });
    const { password } = house.user('operator');
    const url = house.natsUrl.replace('nats://', `nats://operator:${password}@`);
    writeFileSync(join(house.root, 'nats/operator.url'), url);
    const simulation = await house.connect('administrator');
    const emergency = probeEvent(START_MS + 1_000, {
      id: 'emergency',
      type: 'access.break-glass-used',
      data: { actor: { user: { uid: 'u-0417' } }, patient: { uid: 'p-1' } },
    });
    for (const event of [unsignedFirmware(START_MS, 'pump-7'), emergency])
      for (const each of [clockTick(Date.parse(event.time)), event])
        await simulation.jetstream().publish(subjectOf(each), bytesOf(each));
    await simulation.close();
    await house.drained();
  });
  afterAll(async () => {
    await house.close();
    rmSync(aside, { recursive: true, force: true });
  });

  it('is made by the engine while it holds the log, from its own record', () => {
    const listed = done('detection', 'list', '--log', house.logDir, '--json').trimEnd().split('\n');
    const raised = listed.map((line) => JSON.parse(line) as { seq: number; detection: Detection });
    expect(raised).toHaveLength(2);
    const { publicKey, privateKey } = generateReceiverKey();
    writeFileSync(join(aside, 'court.pub.pem'), publicKey);
    writeFileSync(join(aside, 'court.key.pem'), privateKey);
    for (const { seq, detection } of raised) {
      const out = join(aside, `${detection.id}.proof`);
      const rules = join(house.streamsDir, 'rules');
      const args = [
        '--detection',
        detection.id,
        '--out',
        out,
        '--rules',
        rules,
        '--receiver',
        join(aside, 'court.pub.pem'),
      ];
      const made = JSON.parse(done('replay', 'prove', '--log', house.logDir, '--json', ...args)) as Record<
        string,
        unknown
      >;
      expect(made).toMatchObject({ verdict: 'VALID', recordedSeq: seq });
      const open = made['isKeyNeeded'] === true ? ['--open', join(aside, 'court.key.pem')] : [];
      const verdict = JSON.parse(done('replay', 'verify-proof', out, '--json', ...open)) as Record<string, unknown>;
      expect(verdict).toMatchObject({ ok: true, recordedSeq: seq });
    }
  });

  it('is not signed where the claim is none, or is not what the log holds', async () => {
    const operator = await house.connect('operator');
    const input = {
      selection: { seqRanges: [{ fromSeq: 0, toSeq: 1 }] },
      purpose: 'case',
      claim: { note: 'all is well' },
    };
    const reply = await operator.request(commandSubject(SITE, 'export'), JSON.stringify(input), { timeout: 30_000 });
    expect(new TextDecoder().decode(reply.data)).toContain('claim');
    expect(ServiceError.isServiceError(reply)).toBe(true);
    await operator.close();
  });
});
