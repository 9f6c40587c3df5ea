export { Gitlab } from "@gitbeaker/rest";
