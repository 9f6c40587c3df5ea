// nginx with basic auth over the same bytes as files: what a registry of static files costs.

import { createHash } from "node:crypto";
import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { endChild, runQuietly, startChild } from "../children.mjs";
import { freePort } from "./machine.mjs";

/** Starts it on `files` (`{ path, bytes, lastModified }`), at a port of its own choice; nothing when it is not installed. */
export async function startNginx(folder, files, token, port = undefined) {
  const told = await runQuietly("nginx", ["-v"]).catch(() => undefined);
  const version = told?.stderr.match(/nginx\/(\S+)/)?.[1];
  if (!version) return undefined;
  const root = join(folder, "files");
  for (const { path, bytes, lastModified } of files) {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes);
    if (lastModified) utimesSync(file, new Date(lastModified), new Date(lastModified));
  }
  port ??= await freePort();
  // One round of SHA-1, the cheapest to check that htpasswd offers: slower hashes would make nginx look slow.
  writeFileSync(join(folder, "htpasswd"), `token:{SHA}${createHash("sha1").update(token).digest("base64")}\n`);
  writeFileSync(join(folder, "nginx.conf"), configuration(folder, root, port));
  const child = startChild("nginx", ["-p", folder, "-c", join(folder, "nginx.conf")], { stdio: "ignore" });
  const url = `http://127.0.0.1:${port}`;
  for (let attempt = 0; attempt < 50; attempt += 1) {
    if (await fetch(url).then(() => true, () => false)) return { version, url, stop: () => endChild(child) };
    await delay(100);
  }
  await endChild(child);
  return undefined;
}

function configuration(folder, root, port) {
  // As root, nginx would hand its work to a user who cannot read the folder.
  const user = process.getuid?.() === 0 ? "user root;" : "";
  return `
daemon off;
${user}
worker_processes 1;
pid ${folder}/nginx.pid;
error_log ${folder}/nginx-error.log;
events { worker_connections 1024; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000;
  default_type application/octet-stream;
  types { application/json json; application/zip zip; }
  client_body_temp_path ${folder}/temp; proxy_temp_path ${folder}/temp; fastcgi_temp_path ${folder}/temp;
  uwsgi_temp_path ${folder}/temp; scgi_temp_path ${folder}/temp;
  server {
    listen 127.0.0.1:${port};
    root ${root};
    auth_basic "bench";
    auth_basic_user_file ${folder}/htpasswd;
  }
}
`;
}
