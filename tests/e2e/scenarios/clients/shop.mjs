// What the clients' scenarios install from: a repository that nobody changes once it is there, so that all of them can use it at once.
import { greeterFiles } from "../../fixtures.mjs";

const slug = "shop";

// Name, version, and what composer.json says besides.
const uploads = [
  ...["1.0.0", "1.1.0", "2.0.0"].map((version) => [
    "shop/kit",
    version,
    {
      description: "A kit of parts",
      homepage: "https://shop.example/kit",
      license: "BSD-3-Clause",
      require: { "shop/core": "^1.0" },
      suggest: { "shop/extra": "To look at kits" },
      funding: [{ type: "custom", url: "https://shop.example/fund" }],
    },
  ]),
  ["shop/core", "1.0.0", {}],
  ["shop/core", "1.1.0", {}],
  ["shop/extra", "1.0.0", { type: "shop-theme", description: "Lacquer for every kit" }],
  ["shop/tower", "1.0.0", {}],
  ["shop/tower", "1.1.0", { require: { "ext-repertoire-impossible": "*" } }],
  ["shop/tower", "1.2.0", { require: { php: ">=99" } }],
  ["shop/early", "1.0.0", {}],
  ["shop/early", "1.1.0-beta1", {}],
  ["shop/early", "2.0.0-alpha1", {}],
  ["shop/skeleton", "1.0.0", { type: "project", require: { "shop/core": "^1.0" } }],
  // Names that look like files, and versions in every form.
  ["shop/jquery.ui", "1.0.0", {}],
  ["shop/index.php", "1.0.0", {}],
  ["shop/forms", "v1.2.3.4", {}],
  ["shop/forms", "1.3.0+build.5", {}],
  ["shop/forms", "2.x-dev", {}],
  ["shop/forms", "dev-feature/with-slash", {}],
];

/** Fills the repository; returns `{ repository, project }`, the latter the git project of `shop/branches`. */
export async function openShop(world) {
  const repository = await world.addRepository(slug);
  for (const [name, version, manifest] of uploads)
    await world.upload(name, version, greeterFiles(name, `${name} ${version}`, manifest), repository);

  const name = "shop/branches";
  const alias = { extra: { "branch-alias": { "dev-main": "2.x-dev" } } };
  const project = await world.double.addProject(name, { isPublic: true });
  await project.repository.commit(
    { files: greeterFiles(name, "v1.0.0"), tags: ["v1.0.0"] },
    { files: greeterFiles(name, "v1.1.0"), tags: ["v1.1.0"] },
    { files: greeterFiles(name, "main", alias) },
    { branch: "1.x", from: "main", files: greeterFiles(name, "1.x") },
    { branch: "feature/with-slash", from: "main", files: greeterFiles(name, "feature") },
  );
  await world.importProject(project, { repository: slug });
  return { repository, project };
}
