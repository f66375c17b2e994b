import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import {
  createServer,
  request as requestHttp,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from 'node:http';
import { createServer as createTlsServer, request as requestHttps } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { overwriteRequests } from './request-memory';

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

const echo: RequestListener = (request, response) => void request.pipe(response);

/** A server with a certificate that it signed itself. */
function tlsServer(): Server {
  const directory = mkdtempSync(join(tmpdir(), 'protego-tls-'));
  const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
  const made = ['req', '-x509', '-newkey', 'ed25519', '-nodes', '-subj', '/CN=localhost', '-keyout', key, '-out', cert];
  execFileSync('openssl', made, { stdio: 'ignore' });
  const server = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, echo);
  rmSync(directory, { recursive: true });
  return server as unknown as Server;
}

/** What comes back, and the pieces in which the server received the request. */
async function exchange(server: Server, isTls: boolean, bodies: readonly Buffer[]): Promise<[Buffer[], Buffer[]]> {
  const pieces: Buffer[] = [];
  overwriteRequests(server, isTls);
  server.on(isTls ? 'secureConnection' : 'connection', (socket: Socket) => socket.on('data', (p) => pieces.push(p)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const options = { host: '127.0.0.1', port, method: 'POST', rejectUnauthorized: false };
  const post = async (body: Buffer): Promise<Buffer> => {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = isTls ? requestHttps(options, resolve) : requestHttp(options, resolve);
      request.on('error', reject).end(body);
    });
    return buffer(answer);
  };
  try {
    return [await Promise.all(bodies.map(post)), pieces];
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe('overwriteRequests', () => {
  const bodies = [Buffer.from('one patient'), Buffer.alloc(3_000_000, 'many patients'), Buffer.alloc(70_000, 'some')];

  it.each([
    { name: 'HTTP', isTls: false },
    { name: 'HTTPS', isTls: true },
  ])('overwrites all that came in over $name, and what was parsed of it is whole', async ({ isTls }) => {
    if (isTls && !hasOpenssl) return void process.stderr.write('not run: there is no openssl to make a certificate\n');
    const [answers, pieces] = await exchange(isTls ? tlsServer() : createServer(echo), isTls, bodies);
    expect(answers.map((answer, i) => answer.equals(bodies[i] as Buffer))).toEqual([true, true, true]);
    expect(pieces.reduce((sum, { length }) => sum + length, 0)).toBeGreaterThan(3_070_000);
    expect(pieces.every((piece) => piece.every((byte) => byte === 0))).toBe(true);
  });
});
