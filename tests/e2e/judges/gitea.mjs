export { giteaApi } from "gitea-js";
