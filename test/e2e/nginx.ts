/**
 * A real nginx over a folder, on a port of its own, with the ways in which servers of images differ, one a path:
 * /open/ sends pieces and lets pages of any origin read all of it; /shy/ does too and exposes no header; /whole/ sends files as a
 * whole alone (max_ranges 0); /closed/ sends pieces and lets no page read them. What was asked for is in its log.
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly range: string;
  readonly bytes: number;
  readonly cookie: string;
  readonly referrer: string;
}

const START_WITHIN_MS = 10_000;

/** Below those that the system hands out: until nginx has it no server or connection of a neighbour is given this one. */
const PORTS = { first: 20_000, count: 10_000 };

let tried = 0;

/** A port that nobody has. Begins to look at a place by this process's id, as a neighbour does at another. */
async function freePort(): Promise<number> {
  for (let trial = 0; trial < PORTS.count; trial++) {
    const port = PORTS.first + ((process.pid * 97 + tried++) % PORTS.count);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => server.once("error", () => resolve(false)).listen(port, "127.0.0.1", () => resolve(true)));
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
  throw new Error("no port is free");
}

export class Nginx {
  /** What the paths begin with, without a slash at the end. */
  readonly origin: string;
  /** The folder that is served. */
  readonly files: string;
  private readonly folder: string;
  private readonly process: ChildProcess;

  private constructor(folder: string, port: number, process: ChildProcess) {
    this.folder = folder;
    this.files = join(folder, "files");
    this.origin = `http://127.0.0.1:${port}`;
    this.process = process;
  }

  /** Starts one; throws with what to install where there is none. */
  static async start(): Promise<Nginx> {
    const program = existsSync("/usr/sbin/nginx") ? "/usr/sbin/nginx" : "nginx";
    const folder = mkdtempSync(join(tmpdir(), "zonescope-nginx-"));
    const port = await freePort();
    mkdirSync(join(folder, "files"));
    const config = join(folder, "nginx.conf");
    writeFileSync(config, configuration(folder, port));
    const process = spawn(program, ["-p", folder, "-c", config, "-e", join(folder, "error.log")], { stdio: "ignore" });
    let gone: string | null = null;
    process.on("error", (error) => (gone = `${error.message}: install nginx (Debian: apt-get install nginx-light)`));
    process.on("exit", (code) => (gone ??= `nginx ended with ${code}: ${existsSync(join(folder, "error.log")) ? readFileSync(join(folder, "error.log"), "utf8") : ""}`));
    const nginx = new Nginx(folder, port, process);
    for (const end = Date.now() + START_WITHIN_MS; ; ) {
      if (gone !== null) throw new Error(gone);
      const answer = await fetch(`${nginx.origin}/nothing`).catch(() => null);
      if (answer !== null) return nginx;
      if (Date.now() > end) throw new Error("nginx does not answer");
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  path(name: string): string {
    return join(this.files, name);
  }

  /** The requests for a file, in their order. */
  asked(name: string): Asked[] {
    const lines = readFileSync(join(this.folder, "access.log"), "utf8").split("\n");
    return lines
      .filter((line) => line.split("\t")[1]?.endsWith(`/${name}`) === true)
      .map((line) => {
        const [method = "", path = "", status, range = "", bytes, cookie = "", referrer = ""] = line.split("\t");
        return { method, path, status: Number(status), range, bytes: Number(bytes), cookie, referrer };
      });
  }

  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.process.once("exit", resolve));
    if (this.process.exitCode === null) {
      this.process.kill("SIGTERM");
      await gone;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function configuration(folder: string, port: number): string {
  const served = (path: string, more: string): string => `location /${path}/ { alias ${folder}/files/; ${more} }`;
  const everyone = "add_header Access-Control-Allow-Origin * always;";
  return `
    daemon off; master_process off; pid ${folder}/pid; worker_processes 1;
    events { worker_connections 64; }
    http {
      log_format asked "$request_method\t$uri\t$status\t$http_range\t$body_bytes_sent\t$http_cookie\t$http_referer";
      access_log ${folder}/access.log asked;
      client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
      uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
      default_type application/octet-stream;
      server {
        listen 127.0.0.1:${port};
        ${served("open", `${everyone} add_header Access-Control-Expose-Headers "Content-Range, ETag" always;`)}
        ${served("shy", everyone)}
        ${served("whole", `max_ranges 0; ${everyone}`)}
        ${served("closed", "")}
      }
    }
  `;
}
