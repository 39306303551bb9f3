#include "vocabulary.h"

/* Tags that several lists share are what makes kinds of customers near. */
const struct persona personas[PERSONAS] = {
	{"front-end developer", 12,
	 "javascript angular-js css html5 typescript react-js nodejs jquery "
	 "responsive-design web-performance sass webpack redux vue-js "
	 "web-accessibility d3-js"},
	{".net developer", 13,
	 "csharp asp-net asp-net-core entity-framework sql-server linq "
	 "visual-studio wpf design-patterns unit-testing xamarin wcf "
	 "typescript microsoft-azure"},
	{"java developer", 9,
	 "java spring-framework spring-boot hibernate maven design-patterns "
	 "microservices unit-testing kotlin scala jvm gradle apache-kafka "
	 "rest"},
	{"data scientist", 8,
	 "python machine-learning data-science r-programming statistics "
	 "deep-learning pandas tensorflow data-visualization scikit-learn "
	 "jupyter natural-language-processing sql spark"},
	{"data engineer", 5,
	 "big-data hadoop spark apache-kafka sql python scala nosql hive "
	 "data-warehousing cassandra elasticsearch mongodb aws"},
	{"cloud engineer", 8,
	 "aws cloud-computing docker kubernetes devops terraform linux "
	 "serverless microservices continuous-delivery google-cloud "
	 "aws-lambda monitoring python"},
	{"windows administrator", 7,
	 "powershell windows-server active-directory exchange-server "
	 "microsoft-azure virtualization office-365 hyper-v system-center "
	 "windows-10 group-policy vmware automation"},
	{"linux administrator", 4,
	 "linux bash red-hat devops ansible docker puppet shell-scripting "
	 "virtualization git storage nginx perl"},
	{"network engineer", 5,
	 "cisco routing-and-switching ccna network-security tcp-ip wireless "
	 "vpn ccnp firewalls voip network-monitoring ipv6 wireshark"},
	{"security analyst", 5,
	 "penetration-testing ethical-hacking network-security "
	 "web-security cryptography kali-linux malware-analysis "
	 "digital-forensics secure-coding incident-response wireshark "
	 "comptia-security-plus risk-management"},
	{"database administrator", 4,
	 "sql-server sql t-sql oracle performance-tuning postgresql "
	 "high-availability disaster-recovery mysql ssis "
	 "data-warehousing backup powershell"},
	{"business analyst", 5,
	 "excel power-bi data-analysis business-intelligence tableau sql "
	 "data-visualization sharepoint ssrs office-365 statistics "
	 "requirements-analysis vba"},
	{"mobile developer", 6,
	 "android ios swift kotlin xcode java objective-c xamarin "
	 "react-native mobile-design ionic unit-testing rest"},
	{"project manager", 5,
	 "project-management agile scrum leadership communication pmp "
	 "kanban soft-skills team-building requirements-analysis "
	 "risk-management microsoft-project product-management"},
	{"graphic designer", 6,
	 "photoshop illustrator graphic-design typography indesign "
	 "user-experience user-interface-design web-design "
	 "digital-painting photography color-theory sketch logo-design"},
	{"3d artist", 6,
	 "maya 3d-modeling 3d-texturing zbrush 3d-animation 3d-lighting "
	 "3ds-max rigging rendering v-ray sculpting compositing cinema-4d "
	 "after-effects motion-graphics"},
	{"game developer", 4,
	 "unity game-design csharp unreal-engine game-art 3d-modeling cpp "
	 "game-programming level-design maya shaders virtual-reality "
	 "3d-animation"},
	{"building designer", 3,
	 "autocad revit bim solidworks architecture-modeling "
	 "part-modeling drafting 3ds-max rendering sketchup civil-3d "
	 "navisworks"},
};

const char *const niche_tags =
	"git software-architecture functional-programming algorithms "
	"test-automation php ruby ruby-on-rails go laravel wordpress selenium "
	"internet-of-things blockchain fsharp haskell rust elixir clojure "
	"salesforce dynamics-crm sap-abap servicenow jira splunk raspberry-pi "
	"arduino robotics matlab quantum-computing embedded-systems cobol "
	"fortran erlang lua groovy drupal magento video-editing audio-production "
	"music-theory public-speaking career-planning technical-writing "
	"accounting e-commerce search-engine-optimization google-analytics "
	"graphql websockets regular-expressions compilers operating-systems "
	"assembly-language gis lightroom premiere-pro nuke houdini matchmoving";

const struct title titles[TITLES] = {
	{"", "-fundamentals", "Beginner"},
	{"", "-getting-started", "Beginner"},
	{"", "-best-practices", "Intermediate"},
	{"advanced-", "", "Advanced"},
	{"practical-", "", "Intermediate"},
	{"", "-big-picture", "Beginner"},
	{"", "-in-depth", "Advanced"},
	{"introduction-to-", "", "Beginner"},
	{"", "-projects", "Intermediate"},
	{"", "-troubleshooting", "Intermediate"},
	{"mastering-", "", "Advanced"},
	{"", "-case-studies", "Intermediate"},
	{"", "-essentials", "Beginner"},
	{"working-with-", "", "Intermediate"},
	{"", "-first-look", "Beginner"},
	{"", "-tips-and-tricks", "Intermediate"},
	{"", "-step-by-step", "Beginner"},
	{"", "-workshop", "Intermediate"},
	{"", "-playbook", "Intermediate"},
	{"", "-under-the-hood", "Advanced"},
};
