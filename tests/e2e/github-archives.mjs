// The archive host ("codeload"): it knows nothing but one-time links, and it has no business with credentials.
import { createHash } from "node:crypto";

export async function answerArchive(double, request) {
  if (request.headers.authorization !== undefined) {
    double.leaks.push(request.url);
    return { status: 400, headers: { "content-type": "text/plain" }, body: "credentials do not belong here" };
  }
  const url = new URL(request.url, double.archiveUrl);
  const link = double.archiveLinks.get(url.searchParams.get("token"));
  if (!link) return { status: 404, headers: { "content-type": "text/plain" }, body: "404: Not Found" };
  double.archiveLinks.delete(url.searchParams.get("token"));

  const { project, commit } = link;
  const name = `${project.fullName.replace("/", "-")}-${commit.slice(0, 7)}`;
  const bytes = await project.repository.archive(commit, `${name}/`);
  const headers = {
    "content-type": "application/zip",
    "content-disposition": `attachment; filename=${name}.zip`,
    etag: `W/"${createHash("sha256").update(bytes).digest("hex")}"`,
  };
  if (double.takeTruncation(project)) return { status: 200, headers, chunks: split(bytes.subarray(0, Math.floor(bytes.length * 0.6))) };
  // Cold archives come chunked, cached ones with a length: a client has to cope with both, so they take turns.
  double.archivesServed += 1;
  if (double.archivesServed % 2 === 1) return { status: 200, headers, chunks: split(bytes) };
  return { status: 200, headers: { ...headers, "content-length": String(bytes.length) }, body: bytes };
}

function split(bytes, size = 16 * 1024) {
  const chunks = [];
  for (let start = 0; start < bytes.length; start += size) chunks.push(bytes.subarray(start, start + size));
  return chunks;
}
