import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(__dirname, '..');
const EXAMPLE = join(ROOT, 'docs', 'examples', 'subscribe.mjs');
const WAIT_MS = 90_000;

function snippetOfReadme(): string {
  return /```js\n([\s\S]*?)```/.exec(readFileSync(join(ROOT, 'README.md'), 'utf8'))?.[1] ?? '';
}

async function until(holds: () => boolean): Promise<void> {
  for (const endMs = performance.now() + WAIT_MS; !holds();) {
    if (performance.now() > endMs) throw new Error('waited in vain');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function textOf(child: ChildProcess): () => string {
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
  return () => text;
}

describe('README', () => {
  const directory = mkdtempSync(join(tmpdir(), 'protego-readme-'));
  const children: ChildProcess[] = [];

  afterAll(async () => {
    for (const child of children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGINT');
      await once(child, 'exit');
    }
    rmSync(directory, { recursive: true, force: true });
  }, 60_000);

  it('shows the subscriber that is in docs/examples', () => {
    expect(snippetOfReadme().length).toBeGreaterThan(100);
    expect(readFileSync(EXAMPLE, 'utf8')).toBe(
      `// Prints what Protego finds, in words. Run it beside \`npm start\`.\n${snippetOfReadme()}`,
    );
    expect(snippetOfReadme().trimEnd().split('\n').length).toBeLessThanOrEqual(10);
  });

  it(
    'has a subscriber that receives the detections of a demonstration',
    async () => {
      const cli = join(ROOT, 'dist', 'apps', 'cli', 'src', 'main.js');
      const up = spawn(process.execPath, [cli, 'up', '--demo'], { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });
      children.push(up);
      const upText = textOf(up);
      await until(() => existsSync(join(directory, '.protego', 'nats', 'subscriber.url')));
      const subscriber = spawn(process.execPath, [EXAMPLE], { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });
      children.push(subscriber);
      const heard = textOf(subscriber);
      await until(() => upText().includes('The hour is through'));
      const published = upText().match(/^\[ACT NOW\]/gm) ?? [];
      expect(published.length).toBeGreaterThanOrEqual(2);
      await until(() => (heard().match(/^high: /gm) ?? []).length >= published.length);
      expect(heard()).toContain('Software of a medical device changed, nobody announced it');
    },
    2 * WAIT_MS,
  );
});
