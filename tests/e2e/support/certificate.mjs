// A certificate for 127.0.0.1, localhost and names that are asked for, made by openssl on the spot: Composer's GitHub driver speaks to an Enterprise Server by https only.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { runOrThrow } from "./process.mjs";

export async function makeCertificate(folder, names = []) {
  const [key, cert] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
  await runOrThrow("openssl", [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
    "-days",
    "2",
    "-keyout",
    key,
    "-out",
    cert,
    "-subj",
    "/CN=localhost",
    "-addext",
    ["subjectAltName=IP:127.0.0.1", ...["localhost", ...names].map((name) => `DNS:${name}`)].join(","),
  ]);
  return { key: await readFile(key), cert: await readFile(cert), path: cert };
}
