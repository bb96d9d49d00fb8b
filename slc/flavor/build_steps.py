"""The steps of a flavor, as exasol-script-languages-container-tool reads them."""

from exasol.slc.internal.tasks.build.docker_flavor_image_task import DockerFlavorAnalyzeImageTask


class AnalyzeDependencies(DockerFlavorAnalyzeImageTask):
    """The base image with the pinned requirements."""

    def get_build_step(self) -> str:
        return "dependencies"

    def requires_tasks(self):
        return {}

    def get_path_in_flavor(self):
        return "flavor_base"


class AnalyzeRelease(DockerFlavorAnalyzeImageTask):
    """With exallm in it: what is exported."""

    def get_build_step(self) -> str:
        return "release"

    def requires_tasks(self):
        return {"dependencies": AnalyzeDependencies}

    def get_path_in_flavor(self):
        return "flavor_base"
