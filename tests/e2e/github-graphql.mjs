// GraphQL at the double: the one query that the registry asks, answered from the real repository. Everything else is refused, as by a parser.

const query =
  /^query\(\$owner:String!,\$name:String!\)\{repository\(owner:\$owner,name:\$name\)\{databaseId\} commits:repository\(owner:\$owner,name:\$name\)\{(?<objects>(?:c\d+:object\(oid:"[0-9a-f]{40}"\)\{\.\.\.facts\} )+)\}\} fragment facts on Commit\{oid committedDate file\(path:"composer\.json"\)\{mode object\{\.\.\.on Blob\{oid text\}\}\}\}$/;

/** `mayRead` says whether whoever asks may see a project. */
export async function answerGraphQl(double, body, mayRead) {
  const asked = JSON.parse(body);
  const match = query.exec(asked.query ?? "");
  if (!match) return answer({ errors: [{ message: "Parse error on the query" }] });
  const objects = [...match.groups.objects.matchAll(/(c\d+):object\(oid:"([0-9a-f]{40})"\)/g)];
  const project = double.findProject(`${asked.variables.owner}/${asked.variables.name}`);
  if (!project || !mayRead(project)) {
    const message = `Could not resolve to a Repository with the name '${asked.variables.owner}/${asked.variables.name}'.`;
    return answer({ data: { repository: null, commits: null }, errors: [{ type: "NOT_FOUND", path: ["repository"], message }] });
  }
  if (objects.length > 100) return { status: 502, headers: { "content-type": "text/html" }, body: "<html>" };
  const { repository } = project;
  const ids = objects.map(([, , oid]) => oid);
  const lines = (await repository.git("log", "--no-walk=unsorted", "--ignore-missing", "--format=%H %cI", ...ids)).toString();
  const times = new Map(lines.split("\n").map((line) => line.split(" ")));
  const commits = {};
  // Each costs two processes of git: some at a time.
  for (let start = 0; start < objects.length; start += 8) {
    const some = objects.slice(start, start + 8);
    await Promise.all(some.map(async ([, name, oid]) => (commits[name] = await describe(repository, oid, times.get(oid)))));
  }
  return answer({ data: { repository: { databaseId: project.id }, commits } });
}

async function describe(repository, oid, time) {
  if (!time) return null;
  const committedDate = new Date(time).toISOString().replace(".000Z", "Z");
  return { oid, committedDate, file: await fileAt(repository, oid) };
}

async function fileAt(repository, commit) {
  const line = (await repository.git("ls-tree", commit, "composer.json")).toString();
  const [, mode, type, oid] = /^(\d+) (\w+) ([0-9a-f]{40})\t/.exec(line) ?? [];
  if (!mode) return null;
  if (type !== "blob") return { mode: parseInt(mode, 8), object: {} };
  const bytes = await repository.git("cat-file", "blob", oid);
  // GitHub gives no text of what it takes for binary, and cuts what is long.
  const text = bytes.includes(0) ? null : bytes.subarray(0, 512_000).toString();
  return { mode: parseInt(mode, 8), object: { oid, text } };
}

function answer(value) {
  return { status: 200, headers: { "content-type": "application/json; charset=utf-8" }, body: JSON.stringify(value) };
}
